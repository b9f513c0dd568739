import { afterAll, expect, test } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { needs } from "../support/needs.ts";
import { BrowserLike } from "../support/people.ts";
import { batchOf, sampleAt } from "../support/samples.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const people = { settings: { "access.dashboards": "people" } };

/** A server with two devices that send, and its administrator signed in by the link of the first start, as a person would. */
async function startWithAdministrator() {
  const server = await startServer(people);
  for (const deviceId of ["ems_001", "ems_002"]) {
    const device = await openDevice(server.wsUrl, deviceId, server.addDevice(deviceId));
    device.send(sampleOf(deviceId));
  }
  const admin = await openPage(server.url + (server.setupLink?.path ?? ""));
  await admin.getByLabel("Name").fill("root");
  await choosePassword(admin, "Create");
  await admin
    .getByRole("link", { name: /ems_002/ })
    .first()
    .waitFor();
  return { server, admin };
}

/** Goes to a page of the administration. */
async function manage(admin: TestPage, name: string): Promise<void> {
  await admin.getByRole("link", { name: "Manage" }).click();
  await admin.getByRole("navigation", { name: "Administration" }).getByRole("link", { name }).click();
}

async function choosePassword(page: TestPage, button: string): Promise<void> {
  await page.getByLabel("New password").fill("a long enough one");
  await page.getByLabel("The same once more").fill("a long enough one");
  await page.getByRole("button", { name: button }).click();
}

needs("chromium", chromiumPath !== null)("the pages about people, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("the first start's link creates the administrator, and the secret is in no address afterwards", async () => {
    const { server, admin } = await startWithAdministrator();
    expect(admin.url()).toBe(`${server.url}/`);
    const cookies = await admin.context().cookies();
    const kept = { httpOnly: true, secure: false, sameSite: "Strict", path: "/" };
    expect(cookies.sort((one, other) => (one.name < other.name ? -1 : 1))).toMatchObject([
      { name: "wattboard-browser-insecure", ...kept },
      { name: "wattboard-insecure", ...kept },
    ]);
    expect(await admin.evaluate(() => document.cookie)).toBe("");
    expect(admin.complaints).toEqual([]);
  });

  test("a link that is loaded again before it is used still works, and a name that cannot be is told at its field", async () => {
    const server = await startServer(people);
    const page = await openPage(server.url + (server.setupLink?.path ?? ""));
    await page.getByText("Create the administrator").waitFor();
    expect(page.url()).toBe(`${server.url}/welcome`);
    await page.reload();
    await page.getByLabel("Name").fill("Root Admin");
    await choosePassword(page, "Create");
    expect(await page.getByLabel("Name").evaluate((field: HTMLInputElement) => field.validity.patternMismatch)).toBe(
      true,
    );
    await page.getByLabel("Name").fill("root");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("No devices yet").waitFor();
    await page.goBack();
    expect(await page.evaluate(() => JSON.stringify(history.state) ?? "")).not.toContain("wb_");
    expect(page.complaints).toEqual([]);
  });

  test("what cannot be undone asks once more", async () => {
    const { admin } = await startWithAdministrator();
    await manage(admin, "People");
    await admin.getByRole("button", { name: "Invite somebody" }).click();
    await admin.getByLabel("Name").fill("ann");
    await admin.getByRole("button", { name: "Make the invitation" }).click();
    await admin.getByRole("button", { name: "Change ann" }).click();
    await admin.getByRole("button", { name: "Remove ann…" }).click();
    await admin.getByRole("button", { name: "No", exact: true }).click();
    await admin.getByRole("button", { name: "Remove ann…" }).click();
    await admin.getByRole("button", { name: "Remove ann for ever" }).click();
    await admin.getByText("1 person").waitFor();
    expect(await admin.getByRole("button", { name: "Change ann" }).count()).toBe(0);
    expect(admin.complaints).toEqual([]);
  });

  test("an administrator invites an owner, who chooses a password, sees one device, signs out and in again", async () => {
    const { server, admin } = await startWithAdministrator();
    await manage(admin, "People");
    await admin.getByRole("button", { name: "Invite somebody" }).click();
    await admin.getByLabel("Name").fill("ann");
    await admin.getByLabel(/ems_001/).check();
    await admin.getByRole("button", { name: "Make the invitation" }).click();
    const link = await admin.getByLabel("Link for ann").inputValue();
    await admin.getByText("invited, no password yet").waitFor();

    const ann = await openPage(link);
    await ann.getByText("Welcome, ann").waitFor();
    await choosePassword(ann, "Choose this password");
    await ann
      .getByRole("link", { name: /ems_001/ })
      .first()
      .waitFor();
    expect(await ann.getByRole("link", { name: /ems_002/ }).count()).toBe(0);
    await ann.goto(`${server.url}/devices/ems_002`);
    await ann.getByText("No device is called ems_002").waitFor();

    await ann.getByRole("link", { name: "ann" }).click();
    await ann.getByRole("button", { name: "Sign out", exact: true }).click();
    await ann.getByLabel("Name or e-mail address").fill("ann");
    await ann.getByLabel("Password").fill("not the right one");
    await ann.getByRole("button", { name: "Sign in" }).click();
    await ann.getByText("The name or the password is wrong.").waitFor();
    await ann.getByLabel("Password").fill("a long enough one");
    await ann.getByRole("button", { name: "Sign in" }).click();
    await ann
      .getByRole("link", { name: /ems_001/ })
      .first()
      .waitFor();

    // A right that is taken away is gone from the page that is open.
    await admin.getByRole("button", { name: "Change ann" }).click();
    await admin.getByLabel(/ems_001/).uncheck();
    await admin.getByRole("button", { name: "Save" }).click();
    await ann
      .getByRole("link", { name: /ems_001/ })
      .first()
      .waitFor({ state: "detached" });

    // Removing somebody ends what they have set going, which is listed first.
    const sinceMs = server.people.find("ann")?.createdAtMs ?? null;
    server.apiTokens.add("cellar", "viewer", null, null, { kind: "person", name: "ann", sinceMs });
    await admin.getByRole("button", { name: "Change ann" }).click();
    await admin.getByRole("button", { name: "Remove ann…" }).click();
    await admin.getByText("API token cellar (viewer)").waitFor();
    await admin.getByRole("button", { name: "Remove ann for ever" }).click();
    await admin.getByRole("button", { name: "Change ann" }).waitFor({ state: "detached" });
    expect(server.apiTokens.list()).toEqual([]);
    expect(admin.complaints).toEqual([]);
  });

  test("a share link shows its device to a stranger until it is revoked", async () => {
    const { server, admin } = await startWithAdministrator();
    await admin.goto(`${server.url}/devices/ems_001`);
    await admin.getByRole("button", { name: "Share" }).click();
    await admin.getByLabel("For whom, or what for").fill("Installer");
    await admin.getByRole("button", { name: "Make a link" }).click();
    const link = await admin.getByLabel("Share link").inputValue();

    const guest = await openPage(link);
    await guest.getByText(/Shared with you until/).waitFor();
    await guest
      .getByText(/85(\.0)? %/)
      .first()
      .waitFor();
    await guest.reload();
    await guest
      .getByText(/85(\.0)? %/)
      .first()
      .waitFor();
    await admin.getByRole("button", { name: "Revoke the link for Installer" }).click();
    await admin.getByRole("button", { name: "Revoke it now" }).click();
    await guest.getByText("people who are signed in").waitFor();
    await guest.reload();
    await guest.getByText("This link does not work").waitFor();
  });

  test("the audit shows what was done, filters it, and checks its chain", async () => {
    const { server, admin } = await startWithAdministrator();
    await new BrowserLike(server.url).ask("POST", "/session", { account: "root", password: "guess" });
    await manage(admin, "Audit");
    await admin.getByText("wrong_credentials").waitFor();
    await admin.getByLabel("Action").fill("one_time_link.redeem");
    await admin.getByRole("button", { name: "Filter" }).click();
    await admin.getByText("wrong_credentials").waitFor({ state: "detached" });
    await admin.getByRole("button", { name: "Check the chain" }).click();
    await admin.getByText(/The chain of all \d+ rows is whole/).waitFor();
    expect(admin.complaints).toEqual([]);
  });

  test("another site's page gets nothing with the cookies of whoever looks at it", async () => {
    const { server, admin } = await startWithAdministrator();
    // Another port of the same name is the same site to a browser: it sends the cookie, and only the Origin tells.
    const other = await startServer(people);
    const page = await admin.context().newPage();
    await page.goto(other.url);
    const tried = await page.evaluate(async (url) => {
      const socket = await new Promise<string>((resolve) => {
        const each = new WebSocket(`${url.replace("http", "ws")}/ws/fleet`);
        each.onopen = () => resolve("open");
        each.onerror = () => resolve("refused");
      }).catch(String);
      const answer = await fetch(`${url}/api/v1/devices/ems_001`, { method: "DELETE", credentials: "include" }).catch(
        () => null,
      );
      return { socket, status: answer?.status ?? null };
    }, server.url);
    expect(tried).toEqual({ socket: "refused", status: null });
    expect(server.devices.find("ems_001")).toBeDefined();
  });

  test("they fit a phone: nothing is wider than the screen", async () => {
    const { server, admin } = await startWithAdministrator();
    const phone = { viewport: { width: 390, height: 844 }, storageState: await admin.context().storageState() };
    for (const [path, text] of [
      ["/people", "Invite somebody"],
      ["/audit", "Newest first"],
      ["/account", "Sign out everywhere"],
      ["/sign-in", "Forgotten"],
      ["/devices/ems_001", "Share"],
    ] as const) {
      const page = await openPage(server.url + path, phone);
      if (path !== "/sign-in") await page.getByText(text).first().waitFor();
      else await page.getByLabel("Password").waitFor();
      const widthPx = await page.evaluate(() => document.documentElement.scrollWidth);
      expect([path, widthPx <= 390]).toEqual([path, true]);
    }
  });

  test("an administrator strikes out values in the time of the house, sees what is struck out, and has it back", async () => {
    const { server, admin } = await startWithAdministrator();
    server.devices.add({ deviceId: "house", properties: { time_zone: "Asia/Kolkata" } });
    const noonMs = Date.parse("2026-02-03T12:00:00+05:30");
    const sent = Array.from({ length: 120 }, (_, at) =>
      sampleAt(noonMs + at * 1_000, at, { grid: { power: at < 60 ? 1e6 : 1_000 } }, { deviceId: "house" }),
    );
    await server.store.append([batchOf(sent)]);
    await admin.goto(`${server.url}/devices/house`);
    await admin.getByRole("button", { name: "Strike out…" }).click();
    const dialog = admin.getByRole("dialog");
    await dialog.getByText("Times in Asia/Kolkata, as in the charts").waitFor();
    await dialog.getByLabel("From").fill("2026-02-03T12:00:00");
    await dialog.getByLabel("To").fill("2026-02-03T12:01:00");
    await dialog.getByLabel("Points").fill("grid.power");
    await dialog.getByRole("button", { name: "Strike out", exact: true }).click();
    await dialog.getByText("3 Feb 2026, 12:00:00 to 3 Feb 2026, 12:01:00, by root").waitFor();
    const own = firstRegistration("house");
    const powers = async (): Promise<unknown[]> => {
      const range = { registration: own, fromMs: noonMs, toMs: noonMs + 120_000 };
      const samples = await server.store.samples({ ...range, take: "first", limit: 200 });
      return samples.map(({ points }) => points["grid.power"]).filter((power) => power !== null);
    };
    expect(await powers()).toEqual(Array(60).fill(1_000));
    await dialog.getByRole("button", { name: /^Undo/ }).click();
    await dialog.getByRole("button", { name: "Have them count again" }).click();
    await dialog.getByText("12:01:00, by root").waitFor({ state: "detached" });
    expect(await powers()).toHaveLength(120);
    expect(admin.complaints).toEqual([]);
  });
});
