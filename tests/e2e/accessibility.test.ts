import type { ClaimCodesBody, DeviceDetail } from "@wattboard/protocol";

import { ManualClock } from "@wattboard/testing";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { findings } from "../support/axe.ts";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { openDevice, openSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** A fleet in which every freshness occurs: live with an error, late, stale and offline; and an administrator who is signed in. */
async function start(theme: "light" | "dark") {
  // The page reads the time in answers, whose header has the real one: the four minutes pass up to now, and from there the clock is the real
  // one. Nobody answers pings meanwhile.
  const clock = new ManualClock(Date.now() - 4 * 60_000);
  const settings = { "access.dashboards": "people", "heartbeat.ping_ms": "86400000" };
  const server = await startServer({ clock, settings });
  const now = () => ({ timestamp: new Date(clock.wallMs()).toISOString() });
  const connect = async (id: string) => openDevice(server.wsUrl, id, server.addDevice(id));
  const full = {
    solar: { power: 2_400 },
    load: { power: 900 },
    heat_pump: { flow_temperature: 38.5, is_on: true, note: "as it was" },
  };
  const sold = { ...full, grid: { power: -1_200 }, battery: { power: -400, soc: 9 } };
  const stale = await connect("stale");
  stale.send(sampleOf("stale", { ...full, ...now() }));
  const gone = await connect("gone");
  gone.send(sampleOf("gone", { ...sold, ...now() }));
  const viewer = callerOf(server, "viewer");
  await eventually(async () => {
    for (const id of ["stale", "gone"]) {
      expect((await viewer.get<DeviceDetail>(`/devices/${id}`)).freshness).toBe("live");
    }
  });
  clock.advance(4 * 60_000 - 12_000);
  const late = await connect("late");
  late.send(sampleOf("late", { ...sold, ...now() }));
  clock.advance(12_000);
  gone.webSocket.close();
  const live = await openSocket(`${server.wsUrl}/ws/device/live`, {
    headers: { authorization: `Bearer ${server.addDevice("live")}` },
    protocols: ["wattboard.v1"],
  });
  live.send({
    type: "hello",
    commands: {
      SET_MODE: { target_power: { MANUAL_CHARGE: { maximum: 6_000 } }, leases: true },
      RESTART: {},
      RESET_ERROR: {},
    },
    parameters: [{ name: "reserve_soc", type: "integer", label: "Reserve", unit: "%", minimum: 5, maximum: 50 }],
  });
  const status = { state: "ERROR", mode: "AUTO", error_flags: ["OVERHEAT"] } as const;
  // What is live stays so, and what is late stays late, however long the page and axe take.
  let turns = 0;
  const goOn = () => {
    // By the same lag each time it would be a clock that is behind, and soon known as such.
    const lagMs = turns++ % 2 === 0 ? 10_000 : 14_000;
    clock.advance(Math.max(0, Date.now() - clock.wallMs()));
    live.send(
      sampleOf("live", { ...full, ...now(), system_status: { ...status, error_flags: [...status.error_flags] } }),
    );
    late.send(sampleOf("late", { ...sold, timestamp: new Date(clock.wallMs() - lagMs).toISOString() }));
  };
  goOn();
  const going = setInterval(goOn, 500);
  onTestFinished(() => clearInterval(going));
  live.send(sampleOf("live", { battery: { soc: 104 } }));

  const look = { colorScheme: theme, reducedMotion: "reduce" } as const;
  const admin = await openPage(server.url + (server.setupLink?.path ?? ""), look);
  await admin.getByLabel("Name").fill("root");
  const welcome = await findings(admin);
  await admin.getByLabel("New password").fill("a long enough one");
  await admin.getByLabel("The same once more").fill("a long enough one");
  await admin.getByRole("button", { name: "Create" }).click();
  await admin.getByRole("link", { name: "live" }).first().waitFor();
  return { server, admin, look, welcome };
}

needs("chromium", chromiumPath !== null)("axe finds nothing, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
    test("on the fleet, with all that can be opened there, whatever its devices do", async () => {
      const { admin, welcome } = await start(theme);
      expect(welcome).toEqual([]);
      for (const freshness of ["live", "late", "stale", "offline"]) {
        await admin.locator(`tr[data-freshness=${freshness}]`).first().waitFor();
      }
      await admin.getByRole("button", { name: "Filter", exact: true }).click();
      await admin
        .getByRole("textbox", { name: "Value" })
        .or(admin.getByRole("combobox", { name: "Value" }))
        .fill("1");
      await admin.getByRole("button", { name: "Add filter" }).click();
      await admin.getByRole("button", { name: "Last 30 seconds of live" }).click();
      await admin.getByRole("link", { name: "Device page" }).waitFor();
      await admin.evaluate(() => {
        for (const cell of document.querySelectorAll("tr[data-freshness=live] td")) cell.setAttribute("data-lit", "");
      });
      expect(await findings(admin)).toEqual([]);
      await admin.getByRole("button", { name: "Columns" }).click();
      await admin.getByRole("dialog").waitFor();
      expect(await findings(admin)).toEqual([]);
    });

    test("on a device's page, live with a command, late, stale and offline, and in its dialog", async () => {
      const { server, admin } = await start(theme);
      await callerOf(server, "operator").give("live", {
        action: "SET_MODE",
        payload: { target_mode: "MANUAL_CHARGE" },
      });
      for (const id of ["live", "late", "stale", "gone"]) {
        await admin.goto(`${server.url}/devices/${id}`);
        await admin.getByText("of the expected time was measured").waitFor();
        await admin.getByRole("group", { name: "Mode" }).waitFor();
        expect([id, await findings(admin)]).toEqual([id, []]);
      }
      await admin.getByRole("button", { name: "Charge", exact: true }).click();
      await admin.getByRole("button", { name: "Share" }).click();
      await admin.getByLabel("For whom, or what for").fill("Installer");
      await admin.getByRole("button", { name: "Make a link" }).click();
      await admin.getByLabel("Share link").waitFor();
      expect(await findings(admin)).toEqual([]);
    });

    test("on a fleet command, from its filter to its record", async () => {
      const { server, admin } = await start(theme);
      await admin.goto(`${server.url}/fleet-commands/new?q=villa&show=error`);
      await admin.getByText("Choose what is meant").first().waitFor();
      expect(await findings(admin)).toEqual([]);
      await admin.goto(`${server.url}/fleet-commands/new?show=online`);
      await admin.getByRole("button", { name: "Charge", exact: true }).click();
      await admin.getByRole("spinbutton", { name: "Power" }).fill("500");
      await admin.getByRole("button", { name: "Preview" }).click();
      await admin.getByText("cannot be told so").click();
      await admin.getByRole("button", { name: "Begin…" }).click();
      expect(await findings(admin)).toEqual([]);
      await admin.getByRole("button", { name: "Command 1 device now" }).click();
      await admin.getByText("1 device: 1 under way").waitFor();
      expect(await findings(admin)).toEqual([]);
      await admin.goto(`${server.url}/fleet-commands`);
      await admin.getByText("Online is true").waitFor();
      expect(await findings(admin)).toEqual([]);
    });

    test("on alarms, one of them, their rules and events, and in their dialogs", async () => {
      const { server, admin } = await start(theme);
      await admin.goto(`${server.url}/alarms?state=all`);
      const list = admin.getByRole("list", { name: "Alarms" });
      await list.getByText("Critical").first().waitFor();
      await admin.keyboard.press("j");
      expect(await findings(admin)).toEqual([]);
      await admin
        .getByRole("button", { name: /^Snooze/ })
        .first()
        .click();
      await admin.getByText("Until a time of your own").click();
      expect(await findings(admin)).toEqual([]);
      await admin.getByRole("button", { name: "Close" }).click();
      await list.getByRole("link").first().click();
      await admin.getByText("What happened").waitFor();
      expect(await findings(admin)).toEqual([]);
      await admin.getByRole("button", { name: "Acknowledge" }).click();
      await admin.getByLabel("Note").fill("On my way");
      expect(await findings(admin)).toEqual([]);
      await admin.getByRole("dialog").getByRole("button", { name: "Acknowledge" }).click();
      await admin.getByText("On my way").waitFor();
      expect(await findings(admin)).toEqual([]);
      await admin.goto(`${server.url}/alarm-rules`);
      await admin.getByText("Built in").waitFor();
      expect(await findings(admin)).toEqual([]);
      await admin.goto(`${server.url}/alarm-rules/new`);
      await admin.getByRole("textbox", { name: "Name" }).fill("Hot");
      const conditions = admin.getByRole("form", { name: "New condition" });
      await conditions.getByLabel("Value").fill("1");
      await conditions.getByRole("button", { name: "Add condition" }).click();
      await admin.getByText("Only when something else holds").click();
      await admin.getByRole("button", { name: "Try on history" }).click();
      await admin.getByText(/It would( not)? have rung/).waitFor();
      expect(await findings(admin)).toEqual([]);
      await admin.goto(`${server.url}/events`);
      await admin.getByText("Newest first").waitFor();
      expect(await findings(admin)).toEqual([]);
    });

    test("in every dialog and form, while it asks once more, says what went wrong, or lists what there is", async () => {
      const { server, admin, look } = await start(theme);
      await admin.goto(`${server.url}/devices/live`);
      await admin.getByRole("button", { name: "Restart…" }).click();
      await admin.getByRole("button", { name: "Restart the device now" }).waitFor();
      expect(await findings(admin)).toEqual([]);
      await admin.getByRole("button", { name: "Strike out…" }).click();
      const strikes = admin.getByRole("dialog");
      await strikes.getByLabel("From").fill("2026-02-03T12:00:00");
      await strikes.getByLabel("To").fill("2026-02-03T11:00:00");
      await strikes.getByRole("button", { name: "Strike out", exact: true }).click();
      await strikes.getByRole("alert").waitFor();
      await strikes.getByLabel("To").fill("2026-02-03T12:01:00");
      await strikes.getByRole("button", { name: "Strike out", exact: true }).click();
      await strikes.getByRole("button", { name: /^Undo/ }).click();
      expect(await findings(admin)).toEqual([]);

      await admin.goto(`${server.url}/devices/live`);
      await admin.getByRole("button", { name: "Share" }).click();
      await admin.getByLabel("For whom, or what for").fill("Installer");
      await admin.getByRole("button", { name: "Make a link" }).click();
      const guest = await openPage(await admin.getByLabel("Share link").inputValue(), look);
      await guest.getByText(/Shared with you until/).waitFor();
      expect(await findings(guest)).toEqual([]);
      await admin.getByRole("button", { name: "Revoke the link for Installer" }).click();
      expect(await findings(admin)).toEqual([]);

      await admin.goto(`${server.url}/people`);
      await admin.getByRole("button", { name: "Invite somebody" }).click();
      await admin.getByLabel("Name").fill("ann");
      await admin.getByRole("button", { name: "Make the invitation" }).click();
      const invited = await openPage(await admin.getByLabel("Link for ann").inputValue(), look);
      await invited.getByText("Welcome, ann").waitFor();
      await invited.getByLabel("New password").fill("a long enough one");
      await invited.getByLabel("The same once more").fill("another one than that");
      await invited.getByRole("button", { name: "Choose this password" }).click();
      await invited.getByText("not the same").waitFor();
      expect(await findings(invited)).toEqual([]);
      const sinceMs = server.people.find("ann")?.createdAtMs ?? null;
      server.apiTokens.add("cellar", "viewer", null, null, { kind: "person", name: "ann", sinceMs });
      await admin.getByRole("button", { name: "Change ann" }).click();
      await admin.getByRole("button", { name: "Remove ann…" }).click();
      await admin.getByText("API token cellar").waitFor();
      expect(await findings(admin)).toEqual([]);

      await invited.goto(`${server.url}/sign-in`);
      await invited.getByLabel("Name or e-mail address").fill("ann");
      await invited.getByLabel("Password").fill("not the right one");
      await invited.getByRole("button", { name: "Sign in" }).click();
      await invited.getByText("is wrong").waitFor();
      expect(await findings(invited)).toEqual([]);
    });

    test("on the claim page, from the label to the end, and where a box is given up", async () => {
      const { server, admin, look } = await start(theme);
      const made = await admin.request.post(`${server.url}/api/v1/claim-codes`, {
        data: { device_ids: ["gone"] },
        headers: { origin: server.url },
      });
      const { claim_codes } = (await made.json()) as ClaimCodesBody;
      const path = claim_codes[0]?.path ?? "";
      const buyer = await openPage(server.url + path, look);
      await buyer.getByRole("heading", { name: "Claim gone" }).waitFor();
      expect(await findings(buyer)).toEqual([]);
      await buyer.getByLabel("Name").fill("ann");
      await buyer.getByLabel("New password").fill("a long enough one");
      await buyer.getByLabel("The same once more").fill("a long enough one");
      await buyer.getByRole("button", { name: "Make it mine" }).click();
      await buyer.getByLabel("Token").waitFor();
      expect(await findings(buyer)).toEqual([]);
      const other = await openPage(server.url + path, look);
      await other.getByText("This label does not work.").waitFor();
      expect(await findings(other)).toEqual([]);
      await buyer.goto(`${server.url}/devices/gone`);
      await buyer.getByRole("button", { name: "Give it up…" }).click();
      expect(await findings(buyer)).toEqual([]);
    });

    test("on a phone, and on a page that has lost its server", async () => {
      const { server, admin } = await start(theme);
      await admin.setViewportSize({ width: 390, height: 844 });
      for (const [path, text] of [
        ["/", "Rows a page"],
        ["/devices/live", "of the expected time was measured"],
        ["/devices/gone", "of the expected time was measured"],
        ["/people", "Invite somebody"],
        ["/audit", "Newest first"],
        ["/alarms?state=all", "Open ones first"],
        ["/alarm-rules", "Built in"],
        ["/events", "Newest first"],
        ["/account", "Sign out everywhere"],
      ] as const) {
        await admin.goto(server.url + path);
        await admin.getByText(text).first().waitFor();
        expect([path, await findings(admin)]).toEqual([path, []]);
      }
      await admin.goto(server.url);
      await admin.getByText("Rows a page").waitFor();
      await admin.context().setOffline(true);
      await server.stop();
      await admin.getByText("Connection lost").first().waitFor();
      expect(await findings(admin)).toEqual([]);
    });

    test("on the pages about people, and where there is nothing to see", async () => {
      const { server, admin, look } = await start(theme);
      await admin.goto(`${server.url}/people`);
      await admin.getByRole("button", { name: "Invite somebody" }).click();
      await admin.getByLabel("Name").fill("ann");
      expect(await findings(admin)).toEqual([]);
      await admin.getByRole("button", { name: "Make the invitation" }).click();
      await admin.getByText("invited, no password yet").waitFor();
      expect(await findings(admin)).toEqual([]);
      for (const [path, text] of [
        ["/audit", "Newest first"],
        ["/account", "Sign out everywhere"],
        ["/devices/nobody", "No device is called nobody"],
        ["/welcome#dead", "This link does not work"],
        ["/share#dead", "This link does not work"],
        ["/no/such/page", "There is no page at this address"],
      ] as const) {
        await admin.goto(server.url + path);
        await admin.getByText(text).first().waitFor();
        expect([path, await findings(admin)]).toEqual([path, []]);
      }
      const nobody = await openPage(server.url, look);
      await nobody.getByText("people who are signed in").first().waitFor();
      expect(await findings(nobody)).toEqual([]);
      await nobody.goto(`${server.url}/sign-in`);
      await nobody.getByLabel("Password").waitFor();
      expect(await findings(nobody)).toEqual([]);
      const empty = await openPage((await startServer()).url, look);
      await empty.getByText("No devices yet").waitFor();
      expect(await findings(empty)).toEqual([]);
    });
  });
});
