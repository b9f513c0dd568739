import { isRefusal } from "@wattboard/protocol";
import { afterAll, describe, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { needs } from "../support/needs.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const words = ["__proto__", "constructor", "toString", "properties.__proto__", "properties.constructor"];

/** A word that nothing breaks, as long as texts may be. */
const long = (length: number) => "w".repeat(length);

/** What makes the page wider than the screen: the elements that reach beyond its right edge, save those in a part that scrolls by itself. */
function tooWide(page: TestPage): Promise<readonly string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const scrolls = (element: Element): boolean =>
      getComputedStyle(element).overflowX !== "visible" ||
      (element.parentElement !== null && scrolls(element.parentElement));
    return [...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > clientWidth && !scrolls(element))
      .map((element) => `${element.tagName}.${element.getAttribute("class")}`)
      .slice(0, 10);
  });
}

needs("chromium", chromiumPath !== null)("the page with odd input, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("takes words that every object has for fields that no device has", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    for (const word of words) {
      const address = new URLSearchParams({ columns: word, sort: word, filter: `${word}:=:x`, q: word, show: word });
      const page = await openPage(`${server.url}/?${address}`);
      await page.getByText("No device fits this filter.").waitFor();
      await page.goto(`${server.url}/?columns=${word}&sort=-${word}`);
      await page.getByRole("link", { name: "ems_001" }).first().waitFor();
      expect([word, page.complaints]).toEqual([word, []]);
    }
  });

  test("shows points of a device that are called like what every object has", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001", { constructor: { valueOf: 7_001, toString: "text" } }));
    const page = await openPage(`${server.url}/devices/ems_001`);
    await page.getByText("7,001").waitFor();
    await page.goto(`${server.url}/?columns=constructor.valueOf,constructor.toString`);
    await page
      .getByRole("row", { name: /ems_001/ })
      .getByText("7,001")
      .waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("says what to do where the page itself breaks", async () => {
    const server = await startServer();
    const page = await openPage("about:blank");
    await page.addInitScript(() => {
      URLSearchParams.prototype.getAll = () => {
        throw new Error("broken on purpose");
      };
    });
    await page.goto(`${server.url}/?sort=id`);
    await page.getByRole("heading", { name: "This page has stopped" }).waitFor();
    await page.getByText(/\/\?sort=id[\s\S]*broken on purpose/).waitFor();
    await page.getByRole("button", { name: "Load it again" }).waitFor();
    expect(await page.getByRole("link", { name: "Back to the fleet" }).getAttribute("href")).toBe("/");
  });

  test("says what to do where a part of it cannot be loaded, as after an update of the server", async () => {
    const server = await startServer();
    server.addDevice("ems_001");
    const page = await openPage(server.url);
    await page.route("**/assets/device-page*.js", (route) => route.abort());
    await page.getByRole("link", { name: "ems_001" }).click();
    await page.getByRole("heading", { name: "This page has stopped" }).waitFor();
    await page.unroute("**/assets/device-page*.js");
    await page.getByRole("button", { name: "Load it again" }).click();
    await page.getByRole("heading", { name: "ems_001" }).waitFor();
  });

  describe.each([1440, 390, 360])("on a screen of %d px", (width) => {
    test("long names and texts make no page wider", async () => {
      const server = await startServer();
      const id = long(64);
      const name = long(120);
      const properties = { place: long(120), country: long(60), [long(60)]: long(250) };
      const added = server.devices.add({ deviceId: id, name, properties });
      if (isRefusal(added)) throw new Error(added.message);
      const device = await openDevice(server.wsUrl, id, added.token);
      device.send(
        sampleOf(id, {
          system_status: { state: "ERROR", mode: "AUTO", error_flags: [long(256), long(256)] },
          [long(64)]: { [long(64)]: long(256), short: long(256), switch: true },
        }),
      );
      const page = await openPage(`${server.url}/devices/${id}`, { viewport: { width, height: 900 } });
      await page.getByText(long(256)).first().waitFor();
      await page.getByText("No data").first().waitFor();
      expect(await tooWide(page)).toEqual([]);
      const columns = `${long(64)}.short,error_flags,properties.${long(60)}`;
      await page.goto(`${server.url}/?columns=${columns}&sort=${long(64)}.short&filter=name:=:${long(100)}`);
      await page.getByRole("link", { name }).first().waitFor();
      expect(await tooWide(page)).toEqual([]);
      await page.getByRole("button", { name: /Last 30 seconds/ }).click();
      await page.getByRole("link", { name: "Device page" }).waitFor();
      await page.getByRole("button", { name: "Columns" }).click();
      await page.getByRole("dialog").waitFor();
      expect(await tooWide(page)).toEqual([]);
      await page.goto(`${server.url}/events`);
      await page.getByRole("link", { name: id }).first().waitFor();
      expect(await tooWide(page)).toEqual([]);
      await page.goto(`${server.url}/alarms?state=all`);
      await page.getByRole("list", { name: "Alarms" }).getByRole("link").first().click();
      await page.getByText("What happened").waitFor();
      expect(await tooWide(page)).toEqual([]);
      await page.goBack();
      await page.getByRole("list", { name: "Alarms" }).getByRole("link").first().waitFor();
      expect(await tooWide(page)).toEqual([]);
      await page.goto(`${server.url}/devices/${long(64)}2?x=${long(200)}`);
      await page.getByText("No device is called").waitFor();
      expect(await tooWide(page)).toEqual([]);
    });
  });
});
