import type { ClaimBody, ClaimCodesBody, EventBody } from "@wattboard/protocol";
import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { createAdministrator, invite } from "../support/people.ts";
import { openDevice, openSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";

/** A server with a box that has a label; `path` is what its QR code says behind the server's address. */
async function startWithLabel() {
  const server = await startServer({ settings: { "access.dashboards": "people" } });
  const admin = await createAdministrator(server);
  const token = server.addDevice("box.7");
  const made = await admin.json<ClaimCodesBody>("POST", "/claim-codes", { device_ids: ["box.7"] });
  return { server, admin, token, path: made.claim_codes[0]?.path ?? "" };
}

async function makeAccount(page: TestPage, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("New password").fill("a long enough one");
  await page.getByLabel("The same once more").fill("a long enough one");
  await page.getByRole("button", { name: "Make it mine" }).click();
}

needs("chromium", chromiumPath !== null)("the claim page, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("its buyer scans the label, makes an account, and has the box; the code is in no address, and worthless afterwards", async () => {
    const { server, admin, token, path } = await startWithLabel();
    const ann = await openPage(server.url + path);
    await ann.getByRole("heading", { name: "Claim box.7" }).waitFor();
    expect(ann.url()).toBe(`${server.url}/claim`);
    await makeAccount(ann, "ann");
    await ann.getByRole("heading", { name: "box.7 is yours" }).waitFor();
    const shown = await ann.getByLabel("Token").inputValue();
    expect(shown).toMatch(/^API_TOKEN=wb_/);
    expect(await ann.evaluate(() => JSON.stringify(history.state) ?? "")).not.toContain(path.split(".").at(-1));
    const box = await openDevice(server.wsUrl, "box.7", shown.replace("API_TOKEN=", ""));
    await ann.getByText("nothing is left to do").waitFor();
    expect(await ann.getByLabel("Token").count()).toBe(0);
    await expect(openDevice(server.wsUrl, "box.7", token)).rejects.toThrow("403");
    expect(box.webSocket.readyState).toBe(box.webSocket.OPEN);
    await ann.getByRole("link", { name: "Go to box.7" }).click();
    await ann
      .getByRole("heading", { name: /box\.7/ })
      .first()
      .waitFor();
    expect(ann.complaints).toEqual([]);

    const eve = await openPage(server.url + path);
    await eve.getByText("This label does not work.").waitFor();
    await eve.getByText("Somebody has claimed the device.").waitFor();
    await eventually(async () => {
      const { events } = await admin.json<{ events: EventBody[] }>("GET", "/events?kind=claim_contested");
      expect(events.map(({ device_id }) => device_id)).toEqual(["box.7"]);
    });
    await ann.goto(server.url + path);
    await ann.getByText("box.7 is yours already").waitFor();
  });

  test("somebody with an account signs in on the page, and a box that takes tokens over its link needs nothing more", async () => {
    const { server, admin, token, path } = await startWithLabel();
    await invite(admin, "bob", { role: "operator", devices: [] });
    const box = await openSocket(`${server.wsUrl}/ws/device/box.7`, {
      headers: { authorization: `Bearer ${token}` },
      protocols: ["wattboard.v1"],
    });
    box.send({ type: "hello", takes_tokens: true });
    box.send({ type: "peers", subscribe: true });
    await box.receive(3);
    const bob = await openPage(server.url + path, { viewport: { width: 390, height: 844 } });
    await bob.getByRole("button", { name: "I have an account" }).click();
    await bob.getByLabel("Name or e-mail address").fill("bob");
    await bob.getByLabel("Password").fill("bob's long password");
    await bob.getByRole("button", { name: "Make it mine" }).click();
    await bob.getByText("It is being sent a new token over its connection").waitFor();
    expect(await bob.getByLabel("Token").count()).toBe(0);
    const frame = box.received.map((text) => JSON.parse(text)).find(({ type }) => type === "token");
    box.send({ type: "token_stored", token_id: frame.token_id });
    expect((await box.closed).code).toBe(4001);
    await openDevice(server.wsUrl, "box.7", frame.token);
    await bob.getByText("nothing is left to do").waitFor();
    expect(bob.complaints).toEqual([]);
  });

  test("its owner gives the box up on its page, and does not see it any more", async () => {
    const { server, admin, path } = await startWithLabel();
    server.addDevice("another");
    const ann = await openPage(server.url + path);
    await makeAccount(ann, "ann");
    await ann.getByRole("link", { name: "Go to box.7" }).click();
    await ann.getByText("You have claimed it").waitFor();
    await ann.getByRole("button", { name: "Give it up…" }).click();
    await ann.getByRole("button", { name: "Give box.7 up for ever" }).click();
    await ann.waitForURL(`${server.url}/`);
    expect((await admin.json<ClaimBody>("GET", "/devices/box.7/claim")).state).toBe("none");
    await ann.goto(`${server.url}/devices/box.7`);
    await ann.getByText("No device is called box.7").waitFor();
  });

  test("a code is typed where none is scanned, a wrong one is told, and the page can be loaded again before it is used", async () => {
    const { server, path } = await startWithLabel();
    const page = await openPage(`${server.url}/claim`);
    const [id = "", code = ""] = path.replace("/claim#", "").split(/\.(?=[^.]*$)/);
    const type = async (device: string, typed: string) => {
      await page.getByLabel("Device").fill(device);
      await page.getByLabel("Code").fill(typed);
      await page.getByRole("button", { name: "Go on" }).click();
    };
    await type(id, "00000 00000 00000 00000");
    await page.getByText("There is no box with this code").waitFor();
    await type(id, code.toLowerCase().replaceAll("-", " "));
    await page.getByRole("heading", { name: "Claim box.7" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Claim box.7" }).waitFor();
    await makeAccount(page, "ann");
    await page.getByRole("heading", { name: "box.7 is yours" }).waitFor();
  });
});
