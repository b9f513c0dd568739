import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectDevice } from "@wattboard/device";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { type BrowserLike, createAdministrator, forPeople, invite } from "../support/people.ts";
import { makeFolder, runCliHere } from "../support/run-cli.ts";
import { openDevice, tryOpenSocket } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** A server, and its administrator looking at a page of it. */
async function startAt(path: string, settings: Readonly<Record<string, string>> = {}) {
  const server = await startServer({ settings: { ...forPeople.settings, ...settings } });
  const admin = await createAdministrator(server);
  const page = await openAs(server, admin, path);
  return { server, admin, page };
}

function openAs(server: TestServer, browser: BrowserLike, path: string): Promise<TestPage> {
  const cookies = [...browser.cookies].map(([name, value]) => ({
    ...{ name, value, domain: "127.0.0.1", path: "/", expires: -1, httpOnly: true, secure: false },
    sameSite: "Strict" as const,
  }));
  return openPage(server.url + path, { storageState: { cookies, origins: [] } });
}

/** The file that a click gives. */
async function saved(
  page: TestPage,
  click: () => Promise<void>,
): Promise<{ name: string; text: string; path: string }> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  const path = await download.path();
  return { name: download.suggestedFilename(), text: readFileSync(path, "latin1"), path };
}

needs("chromium", chromiumPath !== null)("the administration, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("a device is added, and its row turns live the moment it comes with the token from the page", async () => {
    const { server, page } = await startAt("/");
    await page.getByRole("link", { name: "Add a device" }).click();
    await page.locator("[name=device_id]").fill("ems 1");
    await page.getByRole("button", { name: "Add the device" }).click();
    expect(await page.locator("[name=device_id]").evaluate((field: HTMLInputElement) => field.checkValidity())).toBe(
      false,
    );
    await page.locator("[name=device_id]").fill("ems_001");
    await page.locator("[name=name]").fill("Cellar");
    await page.locator("[name=country]").selectOption({ label: "Austria" });
    await page.locator("[name=place]").fill("Wien");
    await page.locator("[name=time_zone]").selectOption("Europe/Vienna");
    await page.locator("[name=site]").fill("old mill");
    await page.locator("[name=tags]").fill("roof, pilot,roof");
    await page.getByText("Rating").click();
    await page.locator("[name=rated_power]").fill("5 kW");
    await page.locator("[name=others]").fill("firmware=2.1");
    await page.getByRole("button", { name: "Add the device" }).click();

    const token = await page.getByLabel("Token of ems_001").inputValue();
    expect(server.devices.authenticate("ems_001", token)).toBe("newest");
    expect(server.devices.find("ems_001")).toMatchObject({
      name: "Cellar",
      properties: {
        ...{ country: "AT", place: "Wien", time_zone: "Europe/Vienna", site: "old mill", tags: "roof, pilot" },
        ...{ rated_power: "5 kW", firmware: "2.1" },
      },
    });
    await page.getByText(`API_TOKEN=${token}`).waitFor();
    await page.getByRole("img", { name: /The .env of ems_001/ }).waitFor();
    const env = await saved(page, () => page.getByRole("button", { name: "Save .env" }).click());
    expect(env).toMatchObject({
      name: "ems_001.env",
      text: `DEVICE_ID=ems_001\nWATTBOARD_URL=${server.url}\nAPI_TOKEN=${token}\n`,
    });
    await page.getByRole("button", { name: "Node" }).click();
    await page.getByText("node --env-file=.env device.mjs").waitFor();

    const row = page.getByRole("group", { name: "Whether ems_001 has come" });
    await row.getByText("Waiting for its first connection").waitFor();
    const device = connectDevice({
      ...{ deviceId: "ems_001", token, url: server.url, journal: "memory" },
      read: () => ({ battery: { soc: 85, power: 558.6 } }),
    });
    onTestFinished(() => device.stop());
    await row.getByText("Live", { exact: true }).waitFor();
    await row.getByText("559 W").waitFor();
    await page.getByRole("link", { name: "Open its page" }).click();
    await page.getByRole("heading", { name: "Cellar" }).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("the shell's lines connect a device as they stand there", async () => {
    const { server, page } = await startAt("/add-device");
    await page.locator("[name=device_id]").fill("ems_001");
    await page.getByRole("button", { name: "Add the device" }).click();
    await page.getByRole("button", { name: "curl", exact: true }).click();
    const lines = await page.locator("figure pre").nth(1).textContent();
    const folder = makeFolder();
    const env = await saved(page, () => page.getByRole("button", { name: "Save .env" }).click());
    writeFileSync(join(folder, ".env"), env.text);
    // The socket stays open until curl has waited for long enough, which it calls an error.
    const run = (): Promise<string> =>
      new Promise((resolve) => {
        execFile("sh", ["-c", lines ?? ""], { cwd: folder }, (_error, stdout) => resolve(stdout.trim()));
      });
    expect(await run()).toBe("101");
    server.devices.rotate("ems_001");
    expect(await run()).toMatch(/^4\d\d$/);
  });

  test("a device is edited, gets another token, is revoked, let in again and removed", async () => {
    const { server, admin, page } = await startAt("/devices");
    const isValid = (token: string): boolean => Boolean(server.devices.authenticate("ems_001", token));
    const first = server.addDevice("ems_001");
    server.devices.change("ems_001", { properties: { country: "SE", owner: "ann" } });
    const device = await openDevice(server.wsUrl, "ems_001", first);
    device.send(sampleOf("ems_001"));
    await page.getByRole("link", { name: "Settings of ems_001" }).click();
    await page.locator("[name=name]").fill("Cellar");
    await page.locator("[name=site]").fill("harbour");
    await page.locator("[name=country]").selectOption("");
    // What somebody else changes meanwhile is theirs.
    await admin.json("PATCH", "/devices/ems_001", { properties: { owner: "ben" } });
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    expect(server.devices.find("ems_001")).toMatchObject({
      name: "Cellar",
      properties: { site: "harbour", owner: "ben" },
    });
    expect(server.devices.find("ems_001")?.properties).not.toHaveProperty("country");
    await page.locator("[name=others]").fill("no equals sign");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("“no equals sign” is not name=value.").waitFor();

    await page.getByRole("button", { name: "New token" }).click();
    const overlapping = await page.getByRole("dialog").getByLabel("Token of ems_001").inputValue();
    await page.getByText("Somebody has to give the device its new token.").first().waitFor();
    expect(isValid(first)).toBe(true);
    // A device that takes no tokens is given it by hand, and with its coming the one before is void.
    const moved = await openDevice(server.wsUrl, "ems_001", overlapping);
    await page.getByText("The device has come with it").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    expect(isValid(first)).toBe(false);

    await page.getByLabel(/^With a new one/).selectOption("no longer");
    await page.getByRole("button", { name: "New token…" }).click();
    await page.getByRole("button", { name: "Make the old one void" }).click();
    const second = await page.getByRole("dialog").getByLabel("Token of ems_001").inputValue();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await moved.closed;
    expect(isValid(overlapping)).toBe(false);
    const again = await openDevice(server.wsUrl, "ems_001", second);
    await page.getByRole("button", { name: "Revoke…" }).click();
    await page.getByRole("button", { name: "Revoke it now" }).click();
    await page.getByText("It is revoked").waitFor();
    await again.closed;
    expect(isValid(second)).toBe(false);
    await page.getByRole("button", { name: "New token" }).click();
    const third = await page.getByRole("dialog").getByLabel("Token of ems_001").inputValue();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    expect(await tryOpenSocket(`${server.wsUrl}/ws/device/ems_001`, bearer(third))).not.toHaveProperty("status");

    await page.getByRole("button", { name: "Remove…" }).click();
    const sure = page.getByRole("button", { name: "Remove ems_001" });
    expect(await sure.isDisabled()).toBe(true);
    await page.getByLabel(/^Type/).fill("ems_002");
    expect(await sure.isDisabled()).toBe(true);
    await page.getByRole("button", { name: "No", exact: true }).click();
    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByLabel(/^Type/).fill("ems_001");
    await sure.click();
    await page.getByText("No devices yet.").waitFor();
    expect(server.devices.count).toBe(0);

    // Another device may get the id: the page asks which of the two it is.
    await page.goto(`${server.url}/add-device`);
    await page.locator("[name=device_id]").fill("ems_001");
    await page.getByRole("button", { name: "Add the device" }).click();
    await page.getByText("There was a ems_001 before").waitFor();
    expect(server.devices.registrationOf("ems_001").key).not.toBe("ems_001");
    await page.getByRole("button", { name: "It is the same device…" }).click();
    await page.getByRole("button", { name: "It is the same; show its past" }).click();
    await page.getByText("There was a ems_001 before").waitFor({ state: "detached" });
    const last = await page.getByLabel("Token of ems_001").inputValue();
    expect(isValid(last)).toBe(true);
    expect(page.complaints).toEqual([]);
  });

  test("fifty devices come from a CSV file; what is wrong with it is told by its line, and the result holds their tokens", async () => {
    const { server, page } = await startAt("/devices");
    server.addDevice("d07");
    await page.getByRole("link", { name: "Add from a CSV" }).click();
    const rows = Array.from({ length: 50 }, (_, at) => `d${String(at).padStart(2, "0")};Box ${at};AT;roof`);
    const csv = ["device_id;name;country;tags", ...rows, "d03;again;;", "not an id;;;"].join("\n");
    const choose = (text: string) =>
      page.getByLabel("CSV file").setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
    await choose("name,place\ncellar,Wien\n");
    await page.getByText("one of them must be device_id").waitFor();
    await choose(csv);
    await page.getByText("50 can be registered; 2 with faults are left out.").waitFor();
    await page.getByRole("button", { name: "With a fault 2" }).click();
    await page.getByText("The id stands in line 5 as well.").waitFor();
    await page.getByText("The id is none").waitFor();
    await page.getByRole("button", { name: "Register 50 devices" }).click();
    await page.getByText("49 registered, 1 refused of 50.").waitFor();
    const result = await saved(page, () => page.getByRole("button", { name: "Save the result" }).click());
    expect(result.name).toBe("devices-result.csv");
    const lines = result.text
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(","));
    expect(lines).toHaveLength(53);
    expect(lines[0]).toEqual(["line", "device_id", "outcome", "token", "message"]);
    for (const [, deviceId = "", outcome, token = ""] of lines.slice(1)) {
      const isTheirs = server.devices.authenticate(deviceId, token) === "newest";
      expect([deviceId, outcome === "added"]).toEqual([deviceId, isTheirs]);
    }
    expect(
      lines
        .map(([, , outcome]) => outcome)
        .filter((outcome) => outcome !== "added")
        .sort(),
    ).toEqual(["left out", "left out", "outcome", "refused"]);
    expect(server.devices.find("d49")).toMatchObject({ name: "Box 49", properties: { country: "AT", tags: "roof" } });
    expect(page.complaints).toEqual([]);
  });

  test("where an answer is lost, what was registered is not lost with it: it is gone on with, and each has its token", async () => {
    const { server, page } = await startAt("/add-devices");
    const csv = ["device_id", ...Array.from({ length: 120 }, (_, at) => `d${at}`)].join("\n");
    const file = { name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(csv) };
    let count = 0;
    await page.route("**/bulk/devices", async (route) => {
      if (++count !== 2) return route.continue();
      // The server does it, and the network loses its answer.
      await route.fetch();
      await route.abort();
    });
    await page.getByLabel("CSV file").setInputFiles(file);
    await page.getByRole("button", { name: "Register 120 devices" }).click();
    await page.getByText("The server does not answer.").waitFor();
    await page.getByText("50 registered of 120.").waitFor();
    expect(server.devices.count).toBe(100);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("120 registered of 120.").waitFor();
    const { text } = await saved(page, () => page.getByRole("button", { name: "Save the result" }).click());
    const rows = text.trim().split(/\r?\n/).slice(1);
    expect(rows).toHaveLength(120);
    for (const row of rows) {
      const [, deviceId = "", , token = ""] = row.split(",");
      expect([deviceId, server.devices.authenticate(deviceId, token)]).toEqual([deviceId, "newest"]);
    }
  });

  test("an API token is made for some devices and a time, works, and is removed", async () => {
    const { server, page } = await startAt("/api-tokens");
    for (const id of ["mine", "foreign"]) server.addDevice(id);
    await page.getByRole("button", { name: "Make a token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("wall board");
    await dialog.getByLabel(/^Only some/).check();
    await dialog.getByLabel(/mine/).check();
    await dialog.getByLabel("Valid for").selectOption("30 days");
    await dialog.getByRole("button", { name: "Make the token" }).click();
    const token = await page.getByLabel("Token wall board").inputValue();
    const status = async (id: string) => (await fetch(`${server.url}/api/v1/devices/${id}`, bearer(token))).status;
    expect([await status("mine"), await status("foreign")]).toEqual([200, 404]);
    expect(server.apiTokens.list()[0]?.expiresAtMs).toBeGreaterThan(Date.now() + 29 * 86_400_000);
    await page.getByRole("button", { name: "Remove wall board" }).click();
    await page.getByRole("button", { name: "Remove wall board for ever" }).click();
    await page.getByText("None yet.").waitFor();
    expect(await status("mine")).toBe(401);
    expect(page.complaints).toEqual([]);
  });

  test("labels are made for the devices that are chosen, and for one; a former label is worthless then", async () => {
    const { server, admin, page } = await startAt("/devices", { public_url: "http://127.0.0.1:1" });
    for (const id of ["box.1", "box.2", "box.3"]) server.addDevice(id);
    const labelledAt = async (id: string) =>
      (await admin.json<{ labelled_at: string | null }>("GET", `/devices/${id}/claim`)).labelled_at;
    await page.getByRole("link", { name: "Settings of box.3" }).waitFor();
    await page.getByRole("button", { name: "Labels" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("A former label becomes worthless.").waitFor();
    expect(await dialog.getByRole("button", { name: "Make 0 labels" }).isDisabled()).toBe(true);
    for (const id of ["box.1", "box.2"]) await dialog.getByLabel(id).check();
    const sheet = await saved(page, () => dialog.getByRole("button", { name: "Make 2 labels" }).click());
    expect([sheet.name, sheet.text.slice(0, 5)]).toEqual(["labels.pdf", "%PDF-"]);
    expect(await labelledAt("box.3")).toBeNull();
    const first = await labelledAt("box.1");
    expect(first).not.toBeNull();

    await page.goto(`${server.url}/devices/box.1/settings`);
    const one = await saved(page, () => page.getByRole("button", { name: "Make a label" }).click());
    expect([one.name, one.text.slice(0, 5)]).toEqual(["label-box.1.pdf", "%PDF-"]);
    expect(await labelledAt("box.1")).not.toBe(first);
    expect(page.complaints).toEqual([]);
  });

  test("a server that does not know its address says so when it is asked for labels", async () => {
    const { server, page } = await startAt("/devices");
    server.addDevice("box.1");
    await page.goto(`${server.url}/devices/box.1/settings`);
    await page.getByRole("button", { name: "Make a label" }).click();
    await page.getByText("Labels need the server's address: set public_url.").waitFor();
  });

  test("a backup is made, verified, downloaded and restored; then it is deleted", async () => {
    const { server, page } = await startAt("/backups");
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    await page.getByRole("button", { name: "Make a backup" }).click();
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("All 6 files are as they were made.").waitFor();
    const backup = await saved(page, () => page.getByRole("link", { name: "Download" }).click());
    expect(backup.name).toMatch(/^wattboard-backup-\d{4}-\d\d-\d\d\.tar$/);
    const tar = join(makeFolder(), "backup.tar");
    writeFileSync(tar, readFileSync(backup.path));
    const restored = join(makeFolder(), "data");
    expect(await runCliHere(["restore", tar, "--data-dir", restored])).toMatchObject({ code: 0 });
    const list = await runCliHere(["device", "list", "--data-dir", restored]);
    expect(list.stdout).toContain("ems_001");
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete this copy now" }).click();
    await page.getByRole("button", { name: "Make a backup" }).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("samples are exported by whoever sees the device, who follows the export", async () => {
    const { server, admin } = await startAt("/");
    const device = await openDevice(server.wsUrl, "mine", server.addDevice("mine"));
    server.addDevice("foreign");
    device.send(sampleOf("mine"));
    const vera = await invite(admin, "vera", { role: "viewer", devices: ["mine"] });
    const page = await openAs(server, vera, "/");
    await page.getByRole("link", { name: "Export" }).click();
    expect(await page.getByRole("navigation", { name: "Administration" }).count()).toBe(0);
    await page.getByLabel(/^Only some/).check();
    await page.getByLabel(/mine/).check();
    await eventually(async () => {
      const file = await saved(page, () => page.getByRole("button", { name: "Export" }).click());
      expect(file.text).toMatch(/^device_id,.*\n.*mine,/);
    });
    await page.getByRole("cell", { name: "done" }).first().waitFor();
    await page.getByText("mine, csv").first().waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("the server tells how it does, and verifies its store", async () => {
    const { server, page } = await startAt("/server");
    await page.getByText("It delivers, and it stores.").waitFor();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    await page.getByText("1 of 1 connected").waitFor();
    await page.getByText("1 taken, 0 dropped").waitFor();
    await page.getByText(server.dataDir).waitFor();
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("Everything that is kept can be read.").waitFor();
    expect(page.complaints).toEqual([]);
  });
});

function bearer(token: string): { readonly headers: { readonly authorization: string } } {
  return { headers: { authorization: `Bearer ${token}` } };
}
