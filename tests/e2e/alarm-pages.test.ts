import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { type BrowserLike, createAdministrator, invite } from "../support/people.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const fault = { system_status: { state: "ERROR", mode: "AUTO", error_flags: ["OVERHEAT"] } } as const;

/** A server whose devices send once a second what was last chosen for them. */
async function start(...ids: readonly string[]) {
  const server = await startServer({ settings: { "access.dashboards": "people" } });
  const admin = await createAdministrator(server);
  await admin.json("PATCH", "/alarm-rules/error_flag", { for_s: 0, clear_for_s: 0 });
  const sending = new Map<string, object>();
  for (const id of ids) {
    const device = await openDevice(server.wsUrl, id, server.addDevice(id));
    sending.set(id, {});
    const send = () => device.send(sampleOf(id, { timestamp: new Date().toISOString(), ...sending.get(id) } as never));
    send();
    const timer = setInterval(send, 1_000);
    device.webSocket.on("close", () => clearInterval(timer));
  }
  return { server, admin, sends: (id: string, what: object) => void sending.set(id, what) };
}

/** The page of somebody who is signed in. */
async function openAs(server: TestServer, { cookie }: BrowserLike, path: string): Promise<TestPage> {
  const page = await openPage("about:blank");
  const cookies = cookie.split("; ").map((pair) => {
    const at = pair.indexOf("=");
    return { name: pair.slice(0, at), value: pair.slice(at + 1), url: server.url };
  });
  await page.context().addCookies(cookies);
  await page.goto(server.url + path);
  return page;
}

needs("chromium", chromiumPath !== null)("alarms in the page, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("one rings on top of the fleet and in the title; taken on in one window, it is seen so in another", async () => {
    const { server, admin, sends } = await start("ems_001", "ems_002");
    const fleet = await openAs(server, admin, "/");
    await fleet.getByRole("link", { name: "No open alarms" }).waitFor();
    sends("ems_002", fault);
    const alarm = fleet.getByRole("region", { name: "Alarms" }).getByRole("listitem");
    await alarm.getByText("Critical").waitFor();
    await eventually(async () => expect(await fleet.title()).toBe("(1) Fleet · Wattboard"));
    await fleet.getByRole("link", { name: "1 open alarm", exact: true }).waitFor();

    const other = await openAs(server, admin, "/alarms");
    await other.getByRole("list", { name: "Alarms" }).getByRole("link").click();
    await other.getByText("Look at what the flag says").waitFor();
    await other.getByText("OVERHEAT").first().waitFor();
    await other.getByRole("button", { name: "Acknowledge" }).click();
    await other.getByLabel("Note").fill("I am on my way");
    await other.getByRole("dialog").getByRole("button", { name: "Acknowledge" }).click();
    await other.getByText("I am on my way").waitFor();
    await alarm.getByText(/^taken on by/).waitFor();

    sends("ems_002", { system_status: { state: "IDLE", mode: "AUTO", error_flags: [] } });
    await other.getByText("Over", { exact: true }).first().waitFor();
    await eventually(async () => expect(await fleet.title()).toBe("Fleet · Wattboard"));

    // Where none is open, the page of alarms shows what it was.
    await other.goto(`${server.url}/alarms`);
    await other.getByText("No open alarms: all is as it should be.").waitFor();
    await other.getByRole("list", { name: "Over, the newest first" }).getByRole("link").click();
    await other.getByText("I am on my way").waitFor();
    expect([...fleet.complaints, ...other.complaints]).toEqual([]);
  });

  test("its chart opens at that second, with the alarm as a mark that is read aloud", async () => {
    const { server, admin, sends } = await start("ems_001");
    sends("ems_001", fault);
    const page = await openAs(server, admin, "/alarms");
    await page.getByRole("list", { name: "Alarms" }).getByRole("link").click();
    await page.getByRole("link", { name: "Chart of ems_001 at that second" }).click();
    await page.getByText("of the expected time was measured").waitFor();
    const marks = page.getByRole("list", { name: "Alarms and events in the chart" });
    await marks.getByText(/: The instant of the link$/).waitFor({ state: "attached" });
    await marks
      .getByText(/: Alarm: /)
      .first()
      .waitFor({ state: "attached" });
    const at = new URL(page.url()).searchParams.get("at") ?? "";
    expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(10 * 60_000);
    expect(page.complaints).toEqual([]);
  });

  test("a rule is tried on history, saved, and then rung by a device", async () => {
    const { server, admin, sends } = await start("ems_001");
    const device = await openDevice(server.wsUrl, "ems_009", server.addDevice("ems_009"));
    const nowMs = Date.now();
    for (let minute = 90; minute > 30; minute--) {
      const timestamp = new Date(nowMs - minute * 60_000).toISOString();
      device.send(sampleOf("ems_009", { timestamp, battery: { soc: minute > 60 && minute <= 70 ? 5 : 50 } } as never));
    }
    const page = await openAs(server, admin, "/alarm-rules");
    await page.getByRole("link", { name: "Make a rule" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Battery is nearly empty");
    const conditions = page.getByRole("form", { name: "New condition" });
    await conditions.getByLabel("Comparison").selectOption("<");
    await conditions.getByLabel("Value").fill("10");
    await conditions.getByRole("button", { name: "Add condition" }).click();
    await page.getByRole("spinbutton", { name: "For" }).first().fill("0");
    await eventually(async () => {
      await page.getByRole("button", { name: "Try on history" }).click();
      await page.getByText(/It would have rung once in the last \d+ days/).waitFor({ timeout: 3_000 });
    });
    await page.getByRole("list", { name: "When it would have rung" }).getByRole("link", { name: "ems_009" }).waitFor();
    await page.getByRole("button", { name: "Make the rule" }).click();
    await page.getByRole("cell", { name: "Charge < 10 %" }).waitFor();
    sends("ems_001", { battery: { soc: 4 } });
    await page.goto(server.url);
    await page.getByRole("region", { name: "Alarms" }).getByText("Battery is nearly empty").first().waitFor();

    await page.goto(`${server.url}/alarm-rules`);
    await page.getByRole("switch", { name: "Battery is nearly empty rings" }).click();
    await page.getByRole("switch", { name: "Battery is nearly empty rings", checked: false }).waitFor();
    await page.getByRole("link", { name: "Battery is nearly empty" }).click();
    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByRole("button", { name: "Remove “Battery is nearly empty” and end its alarms" }).click();
    await page.getByText("None yet.").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("keys walk through the list, take on and put off", async () => {
    const { server, admin, sends } = await start("ems_001", "ems_002");
    sends("ems_001", fault);
    const page = await openAs(server, admin, "/alarms");
    const list = page.getByRole("list", { name: "Alarms" });
    await list.getByRole("link").waitFor();
    await page.keyboard.press("?");
    await page.getByText("the next alarm").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("a");
    await list.getByText(/^taken on by/).waitFor();
    await page.keyboard.press("s");
    await page.getByRole("dialog").getByRole("button", { name: "Snooze" }).click();
    await list.getByText(/^snoozed until/).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("ems_002");
    await page.keyboard.press("Enter");
    await page.getByText("No alarm fits.").waitFor();
    expect(new URL(page.url()).searchParams.get("device")).toBe("ems_002");
    await page.goto(`${server.url}/alarms?state=snoozed`);
    await list.getByRole("link").waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByText("What happened").waitFor();
  });

  test("each sees what is theirs, and no control that they may not use", async () => {
    const { server, admin, sends } = await start("mine", "foreign");
    sends("mine", fault);
    const people = {
      viewer: await invite(admin, "vera", { role: "viewer", devices: null }),
      owner: await invite(admin, "olaf", { role: "operator", devices: ["mine"] }),
      operator: await invite(admin, "opal", { role: "operator", devices: null }),
    };
    const root = callerOf(server, "admin");
    await eventually(async () => {
      const { open } = await root.get<{ open: { critical: number } }>("/alarms");
      expect(open.critical).toBeGreaterThan(0);
    });
    for (const [role, browser] of Object.entries({ ...people, admin })) {
      const page = await openAs(server, browser, "/alarms");
      await page.getByRole("list", { name: "Alarms" }).getByRole("link").first().waitFor();
      const acts = await page.getByRole("button", { name: /^(Acknowledge|Snooze)/ }).count();
      expect([role, acts > 0]).toEqual([role, role !== "viewer"]);
      await page.getByRole("list", { name: "Alarms" }).getByRole("link").first().click();
      await page.getByText("What happened").waitFor();
      await page.goto(`${server.url}/alarm-rules`);
      await page.getByText("Built in").waitFor();
      const changes = page.getByRole("switch").or(page.getByRole("link", { name: "Make a rule" }));
      expect([role, (await changes.count()) > 0]).toEqual([role, role === "admin"]);
      await page.goto(`${server.url}/alarm-rules/new`);
      if (role !== "admin") await page.getByText("Rules are made by administrators.").waitFor();
    }
    const { path } = await admin.json<{ path: string }>("POST", "/devices/mine/share-links", {
      label: "x",
      ttl_ms: 60_000,
    });
    const guest = await openPage(server.url + path);
    await guest.getByText(/Shared with you until/).waitFor();
    expect(await guest.getByRole("link", { name: /open alarm/ }).count()).toBe(0);
  });

  test("events of every kind are on their page, and what is wrong stands out", async () => {
    const { server, admin } = await start("ems_001");
    server.events.report("store_failing", null, "The store takes no samples: the disk is full.");
    const page = await openAs(server, admin, "/");
    await page.getByRole("link", { name: "All events" }).click();
    const failing = page.getByRole("row", { name: /Store takes no samples/ });
    await failing.waitFor();
    expect(await failing.getAttribute("data-tone")).toBe("bad");
    expect(await page.getByRole("row", { name: /is online/ }).getAttribute("data-tone")).toBe("dull");
    await page.getByLabel("What").selectOption("connected");
    await failing.waitFor({ state: "detached" });
    await page.getByRole("row", { name: /is online/ }).waitFor();
    expect(new URL(page.url()).searchParams.get("kind")).toBe("connected");
    await page.getByRole("searchbox", { name: "Device" }).fill("nobody");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing fits.").waitFor();
  });
});
