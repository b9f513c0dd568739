import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { createAdministrator, forPeople } from "../support/people.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

needs("chromium", chromiumPath !== null)("the live page, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("shows a device from the moment it sends, and each new value within moments", async () => {
    const server = await startServer();
    const page = await openPage(server.url);
    await page.getByText("No devices yet").waitFor();

    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    const row = page.getByRole("link", { name: /ems_001/ }).first();
    await row.waitFor();
    await page.getByText("85 %").first().waitFor();
    device.send(sampleOf("ems_001", { battery: { soc: 42, power: -300 }, system_status: { state: "DISCHARGING" } }));
    await page.getByText("42 %").first().waitFor();
    await page.getByText("Discharging").first().waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("shows a device's values, points that nobody has described, and what of its messages was left out", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001", { heat_pump: { flow_temperature: 38.5 } }));
    device.send(sampleOf("ems_001", { battery: { soc: 4_000 } }));
    const page = await openPage(`${server.url}/devices/ems_001`);
    await page.getByText("flow_temperature").first().waitFor();
    await page.getByText("38.5").first().waitFor();
    const leftOut = page.getByText("Values left out").locator("xpath=following-sibling::dd[1]");
    await leftOut.getByText("battery.soc").waitFor();
    await leftOut.getByText("beyond_belief").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("says that the connection is lost, and since when, moves nothing that somebody may just be clicking, and comes back by itself", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    const page = await openPage(server.url);
    await page.getByText("85 %").first().waitFor();
    const { port } = new URL(server.url);
    const columns = page.getByRole("button", { name: "Columns" });
    const place = await columns.boundingBox();
    await server.stop();
    await page
      .getByText(/connection lost/i)
      .first()
      .waitFor();
    expect(await columns.boundingBox()).toEqual(place);

    const again = await startServer({ dataDir: server.dataDir, settings: { port } });
    const back = await openDevice(again.wsUrl, "ems_001", tokenOf(again.devices.rotate("ems_001")));
    await eventually(
      async () => {
        back.send(sampleOf("ems_001", { battery: { soc: 61 } }));
        expect(await page.getByText("61 %").count()).toBeGreaterThan(0);
      },
      { withinMs: 15_000 },
    );
  });

  test.each(["de-DE", "ar-EG", "hi-IN", "en-US"])(
    "speaks one language, whatever that of the browser is: %s",
    async (locale) => {
      const server = await startServer();
      server.devices.add({
        deviceId: "ems_000",
        properties: { country: "AT", place: "Graz", time_zone: "Europe/Vienna" },
      });
      const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
      device.send(sampleOf("ems_001", { pump: { turns: 12_345.5 } }));
      const page = await openPage(`${server.url}/devices/ems_001`, { locale });
      await page.getByText("12,345.50").waitFor();
      await page.getByText(/of the expected time was measured/).waitFor();
      await page.getByText(/^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{1,2} [A-Z][a-z]+ 20\d\d/).waitFor();
      expect(await page.locator("main").textContent()).not.toMatch(/[٠-٩०-९]|\d [AP]M|\d,\d %/);
      await page.goto(`${server.url}/devices/ems_000`);
      await page.getByText("Graz, Austria").waitFor();
      await page.getByText(/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d there/).waitFor();
      expect(page.complaints).toEqual([]);
    },
  );

  test("says what to do where dashboards are not public", async () => {
    const server = await startServer(forPeople);
    await createAdministrator(server);
    const page = await openPage(server.url);
    await page.getByRole("link", { name: "Sign in" }).last().waitFor();
    await page.getByText("to people who are signed in").first().waitFor();
  });

  test("fits a phone: nothing is wider than the screen", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    for (const path of ["/", "/devices/ems_001"]) {
      const page = await openPage(server.url + path, { viewport: { width: 390, height: 844 } });
      await page
        .getByText(/85(\.0)? %/)
        .first()
        .waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    }
  });
});

function tokenOf(provisioned: object): string {
  if (!("token" in provisioned)) throw new Error("The device is not registered.");
  return String(provisioned.token);
}
