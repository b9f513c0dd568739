import type {
  AuditBody,
  CommandBody,
  DevicesBody,
  EventsBody,
  FleetCommandBody,
  FleetEnergyBody,
  FleetFrame,
  FleetPreviewBody,
  FleetTotalsBody,
} from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { BrowserLike, invite, knock, startWithOwner, tokenOf } from "../../support/people.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { openDevice, openSocket, tryOpenSocket } from "../../support/sockets.ts";
import { sampleOf } from "../../support/telemetry.ts";

describe("an owner", () => {
  test("sees their own devices and no others, at every door; a foreign one answers as one that does not exist", async () => {
    const { server, ann } = await startWithOwner();
    expect(await ann.json("GET", "/me")).toMatchObject({ name: "ann", role: "operator", devices: ["mine"] });
    const { devices } = await ann.json<{ devices: { device_id: string }[] }>("GET", "/devices");
    expect(devices.map(({ device_id }) => device_id)).toEqual(["mine"]);
    expect(await knock(server, ann, "/ws/dashboard/mine")).toBe(101);

    const normal = (text: string) => text.replaceAll(/foreign|nowhere/g, "ID");
    const parts = ["latest", "points", "samples", "history", "timeline", "energy", "commands", "share-links"];
    for (const path of ["", ...parts.map((part) => `/${part}`)]) {
      const [foreign, unknown] = await Promise.all(
        ["foreign", "nowhere"].map(async (id) => {
          const answer = await ann.ask("GET", `/devices/${id}${path}`);
          return [answer.status, normal(await answer.text())];
        }),
      );
      expect(foreign).toEqual(unknown);
      expect(foreign?.[0]).toBe(404);
      expect((await ann.ask("GET", `/devices/mine${path}`)).status).toBe(200);
    }
    const share = { label: "x", ttl_ms: 60_000 };
    expect((await ann.ask("POST", "/devices/foreign/share-links", share)).status).toBe(404);
    const doors = await Promise.all(
      ["foreign", "nowhere"].map((id) =>
        tryOpenSocket(`${server.wsUrl}/ws/dashboard/${id}`, { headers: ann.handshake }),
      ),
    );
    expect(doors[0]).toMatchObject({ status: 404 });
    expect(doors[0]).toEqual(doors[1]);
  });

  test("gets sums over their own devices only, however they ask for more", async () => {
    const { server, admin, ann } = await startWithOwner();
    const fromMs = Date.parse("2025-06-01T12:00:00Z");
    for (const [deviceId, power] of [
      ["mine", 100],
      ["foreign", 1_000],
    ] as const) {
      const samples = Array.from({ length: 360 }, (_, at) =>
        sampleAt(fromMs + at * 10_000, at, { grid: { power } }, { deviceId, epoch: fromMs }),
      );
      await server.store.append([batchOf(samples)]);
    }
    const totals = "/fleet/totals?from=2025-06-01T12:00:00Z&to=2025-06-01T13:00:00Z&buckets=60";
    const energy = "/fleet/energy?from=2025-06-01&to=2025-06-02";
    expect(await admin.json<FleetTotalsBody>("GET", totals)).toMatchObject({
      device_count: 2,
      sum: Array(60).fill(1_100),
    });
    expect(await ann.json<FleetTotalsBody>("GET", totals)).toMatchObject({
      device_count: 1,
      devices: Array(60).fill(1),
      sum: Array(60).fill(100),
    });
    const inAll = await admin.json<FleetEnergyBody>("GET", energy);
    const inMine = await ann.json<FleetEnergyBody>("GET", energy);
    expect([inAll.device_count, Math.round(inAll.total.imported_wh ?? 0)]).toEqual([2, 1_097]);
    expect([inMine.device_count, Math.round(inMine.total.imported_wh ?? 0)]).toEqual([1, 100]);

    const detail = async (path: string, id: string) => {
      const answer = await ann.ask("GET", `${path}&devices=mine,${id}`);
      return [answer.status, (await answer.text()).replaceAll(id, "ID")];
    };
    for (const path of [totals, energy]) {
      const foreign = await detail(path, "foreign");
      expect(foreign[0]).toBe(404);
      expect(foreign).toEqual(await detail(path, "nowhere"));
    }
    // What was given is taken away: the next question is answered without it.
    await admin.json("PATCH", "/people/ann", { devices: [] });
    expect(await ann.json<FleetTotalsBody>("GET", totals)).toMatchObject({ device_count: 0 });
    expect((await ann.ask("GET", "/devices/mine/history")).status).toBe(404);
  });

  test("may page through their devices alone", async () => {
    const { server, admin, ann } = await startWithOwner();
    const given = Array.from({ length: 7 }, (_, at) => `own_${at}`);
    for (const deviceId of [...given, ...given.map((id) => `not_${id}`)]) server.addDevice(deviceId);
    await admin.json("PATCH", "/people/ann", { devices: given });
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await ann.json<DevicesBody>("GET", `/devices?limit=3${cursor}`);
      expect(page.devices.length).toBeLessThanOrEqual(3);
      found.push(...page.devices.map(({ device_id }) => device_id));
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(found).toEqual(given);
  });

  test("gets the fleet's stream with their own devices only, when it begins and as it goes on", async () => {
    const { server, ann } = await startWithOwner();
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`, { headers: ann.handshake });
    const token = server.addDevice("third");
    const third = await openDevice(server.wsUrl, "third", token);
    const mine = await openDevice(server.wsUrl, "mine", tokenIn(server.devices.rotate("mine")));
    mine.send(sampleOf("mine", { battery: { soc: 12 } }));
    third.send(sampleOf("third"));
    await eventually(() => expect(fleet.received.join()).toContain('"battery.soc":12'));
    await fleet.receive(fleet.received.length + 2);
    const frames = fleet.received.map((text) => JSON.parse(text) as FleetFrame);
    const ids = frames.flatMap((frame) =>
      frame.type === "removed" ? frame.device_ids : frame.devices.map((row) => row.id),
    );
    expect(new Set(ids)).toEqual(new Set(["mine"]));
  });

  test("sees no event of a foreign device, nor of the server", async () => {
    const { admin, ann } = await startWithOwner();
    await admin.json("POST", "/devices/foreign/rotate", {});
    await admin.json("POST", "/devices/mine/rotate", {});
    const seen = async (browser: BrowserLike, query: string) =>
      (await browser.json<EventsBody>("GET", `/events?${query}`)).events.map((each) => each.device_id);
    expect(await seen(admin, "kind=token_changed")).toEqual(["mine", "foreign"]);
    expect(await seen(ann, "kind=token_changed")).toEqual(["mine"]);
    expect(await seen(ann, "kind=token_changed&limit=1")).toEqual(["mine"]);
    expect(new Set(await seen(admin, ""))).toEqual(new Set(["mine", "foreign"]));
    expect(new Set(await seen(ann, ""))).toEqual(new Set(["mine"]));
    expect(await seen(ann, "device_id=foreign")).toEqual([]);
    expect(await seen(admin, "device_id=foreign")).not.toEqual([]);
  });

  test("loses what is taken away within a second, on open sockets too, and gets what is given", async () => {
    const { server, admin, ann } = await startWithOwner();
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/mine`, { headers: ann.handshake });
    await admin.json("PATCH", "/people/ann", { devices: ["foreign"] });
    expect(await dashboard.closed).toEqual({ code: 1008, reason: "rights changed" });
    expect(await knock(server, ann, "/ws/dashboard/mine")).toBe(404);
    expect(await knock(server, ann, "/ws/dashboard/foreign")).toBe(101);
    await admin.json("DELETE", "/people/ann");
    expect((await ann.ask("GET", "/me")).status).toBe(401);
  });

  test("does not inherit a new device that has the name of a removed one", async () => {
    const { server, admin, ann } = await startWithOwner();
    await admin.json("DELETE", "/devices/mine");
    server.addDevice("mine");
    expect(await ann.json("GET", "/devices")).toMatchObject({ devices: [] });
    expect(await ann.json("GET", "/me")).toMatchObject({ devices: [] });
  });

  test("administers nothing, and neither does a viewer share", async () => {
    const { admin, ann } = await startWithOwner();
    const bob = await invite(admin, "bob", { role: "viewer", devices: ["mine"] });
    for (const [method, path, body] of [
      ["GET", "/people"],
      ["POST", "/people", { name: "x", role: "viewer", devices: null }],
      ["PATCH", "/people/ann", { devices: null }],
      ["DELETE", "/people/root"],
      ["POST", "/people/root/link"],
      ["PUT", "/people/root/password", { password: "a long enough one" }],
      ["POST", "/setup-link"],
      ["GET", "/audit"],
      ["GET", "/audit/export"],
      ["GET", "/audit/verify"],
      ["GET", "/api-tokens"],
      ["DELETE", "/devices/mine"],
    ] as [string, string, object?][]) {
      for (const browser of [ann, bob]) {
        const answer = await browser.ask(method, path, body);
        expect([method, path, answer.status]).toEqual([method, path, 403]);
      }
      const nobody = await new BrowserLike(ann.url).ask(method, path, body);
      expect([method, path, nobody.status]).toEqual([method, path, 401]);
    }
    expect((await bob.ask("GET", "/devices/mine")).status).toBe(200);
    expect((await bob.ask("GET", "/devices/mine/share-links")).status).toBe(403);
  });
});

describe("commands", () => {
  const order = { action: "RESET_ERROR", payload: {} };

  test("an owner gives them to their own devices; foreign ones do not exist, and whoever only looks gives none", async () => {
    const { admin, ann } = await startWithOwner();
    const bob = await invite(admin, "bob", { role: "viewer", devices: ["mine"] });
    const given = await ann.json<CommandBody>("POST", "/devices/mine/commands", order);
    expect(given).toMatchObject({ device_id: "mine", requested_by: "person ann" });
    for (const path of ["", `/${given.command_id}`]) {
      expect((await bob.ask("GET", `/devices/mine/commands${path}`)).status).toBe(200);
    }
    expect((await bob.ask("POST", "/devices/mine/commands", order)).status).toBe(403);

    await admin.json("POST", "/devices/foreign/commands", { ...order, command_id: "theirs" });
    for (const [method, path] of [
      ["POST", ""],
      ["GET", ""],
      ["GET", "/theirs"],
    ] as const) {
      const body = method === "POST" ? order : undefined;
      const foreign = await ann.ask(method, `/devices/foreign/commands${path}`, body);
      const unknown = await ann.ask(method, `/devices/nowhere/commands${path}`, body);
      expect([method, path, foreign.status]).toEqual([method, path, 404]);
      expect(await foreign.json()).toEqual(await unknown.json());
    }
    // A share link lets look, and not command.
    const { path } = await admin.json<{ path: string }>("POST", "/devices/foreign/share-links", {
      label: "for ann",
      ttl_ms: 60_000,
    });
    await ann.json("POST", "/share-session", { token: tokenOf(path) });
    expect((await ann.ask("POST", "/devices/foreign/commands", order)).status).toBe(403);
  });

  test("an owner's fleet command reaches their own devices only, and those of others are not theirs to see or end", async () => {
    const { admin, ann } = await startWithOwner();
    const all = { ...order, where: ["online = true"] };
    const preview = await ann.json<FleetPreviewBody>("POST", "/fleet-commands", { ...all, dry_run: true });
    expect(preview).toMatchObject({ count: 1, device_ids: ["mine"], misfit_count: 0, unknown_count: 0 });
    const own = await ann.json<FleetCommandBody>("POST", "/fleet-commands", all);
    expect(own).toMatchObject({ total: 1, requested_by: "person ann" });
    const wide = await admin.json<FleetCommandBody>("POST", "/fleet-commands", all);
    expect(wide.total).toBe(2);

    const ids = async (browser: BrowserLike) =>
      (await browser.json<{ fleet_commands: FleetCommandBody[] }>("GET", "/fleet-commands")).fleet_commands.map(
        (each) => each.fleet_command_id,
      );
    expect(await ids(ann)).toEqual([own.fleet_command_id]);
    expect(await ids(admin)).toEqual([wide.fleet_command_id, own.fleet_command_id]);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/devices"],
      ["POST", "/abort"],
    ] as const) {
      const foreign = await ann.ask(method, `/fleet-commands/${wide.fleet_command_id}${path}`);
      expect([method, path, foreign.status]).toEqual([method, path, 404]);
    }
    expect((await ann.ask("POST", `/fleet-commands/${own.fleet_command_id}/abort`)).status).toBe(200);
  });

  test("stand in the audit with who gave them and from where, those of a fleet command too", async () => {
    const { admin, ann } = await startWithOwner();
    const { command_id } = await ann.json<CommandBody>("POST", "/devices/mine/commands", order);
    const { fleet_command_id } = await ann.json<FleetCommandBody>("POST", "/fleet-commands", {
      ...order,
      where: ["online = true"],
    });
    await eventually(async () => {
      const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?device=mine&action=command");
      expect(audit.map(({ who, target, address }) => [who, target, address])).toEqual([
        ["person ann", `${fleet_command_id}:1`, ""],
        ["person ann", command_id, "127.0.0.1"],
      ]);
    });
    const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?action=fleet_command.begin");
    expect(audit).toMatchObject([{ who: "person ann", target: fleet_command_id, address: "127.0.0.1" }]);
  });
});

function tokenIn(provisioned: object): string {
  if (!("token" in provisioned)) throw new Error("The device is not registered.");
  return String(provisioned.token);
}
