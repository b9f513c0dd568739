import {
  type CommandListBody,
  type DeviceEnergyBody,
  type EventsBody,
  type FleetEnergyBody,
  type FleetTotalsBody,
  type HistoryBody,
  type ProvisionedBody,
  paths,
  type SamplesBody,
  type TimelineBody,
} from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { callerOf } from "../../support/commands.ts";
import { runCli } from "../../support/run-cli.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { openDashboard, openDevice } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Ten in the morning, when the device is registered. */
const startMs = Date.UTC(2026, 4, 1, 10);

/** Samples of `ems_001`, as it is registered, every ten seconds: the grid gives so many watts. */
async function fill({ devices, store }: TestServer, fromMs: number, toMs: number, powerW: number): Promise<void> {
  const { key } = devices.registrationOf("ems_001");
  const samples = [];
  for (let atMs = fromMs; atMs < toMs; atMs += 10_000) {
    const sections = { grid: { power: powerW }, system_status: { state: powerW > 100 ? "CHARGING" : "IDLE" } };
    samples.push(sampleAt(atMs, samples.length, sections, { key, epoch: fromMs }));
  }
  await store.append([batchOf(samples)]);
}

async function get<Body>({ url }: TestServer, path: string): Promise<Body> {
  const response = await fetch(`${url}${paths.api}${path}`);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as Body;
}

/** Asks as an administrator. */
function administratorOf(server: TestServer) {
  const { token } = callerOf(server, "admin");
  return async (method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(server.url + paths.api + path, init);
    return { status: response.status, body: await response.json() };
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function range(fromMs: number, toMs: number): string {
  return `from=${iso(fromMs)}&to=${iso(toMs)}`;
}

async function buckets(server: TestServer, query: string): Promise<Extract<HistoryBody, { resolution: "buckets" }>> {
  const body = await get<HistoryBody>(server, `/devices/ems_001/history?points=grid.power&${query}`);
  if (body.resolution !== "buckets") throw new Error("These are too many to come as they are.");
  return body;
}

describe("coverage", () => {
  test("is of what was expected: a device is not missed from before its registration", async () => {
    const clock = new ManualClock(startMs);
    const server = await startServer({ clock });
    server.addDevice("ems_001");
    await fill(server, startMs, startMs + 6 * hourMs, 500);
    clock.advance(6 * hourMs);
    const year = await get<DeviceEnergyBody>(server, "/devices/ems_001/energy?per=year&from=2026-01-01T00:00:00Z");
    expect(year.spans.map(({ coverage }) => coverage)).toEqual([1]);
    expect(year.coverage).toMatchObject({ share: 1, gaps: [] });
    const days = await get<DeviceEnergyBody>(
      server,
      `/devices/ems_001/energy?per=day&from=${iso(startMs - 2 * dayMs)}`,
    );
    expect(days.spans.map(({ coverage }) => coverage)).toEqual([0, 0, 1]);
    const fleet = await get<FleetEnergyBody>(server, "/fleet/energy?per=month&from=2026-03-01T00:00:00Z");
    expect([fleet.coverage, ...fleet.spans.map(({ coverage }) => coverage)]).toEqual([1, 0, 0, 1]);
    const { bucket_coverage, coverage } = await buckets(
      server,
      `${range(startMs - 7 * hourMs, clock.wallMs())}&buckets=7`,
    );
    // In buckets of two hours, the fourth of which has the registration in its middle.
    expect(bucket_coverage).toEqual([0, 0, 0, 1, 1, 1, 1]);
    expect(coverage).toMatchObject({ share: 1, gaps: [] });
    const totals = await get<FleetTotalsBody>(server, `/fleet/totals?${range(startMs - hourMs, clock.wallMs())}`);
    expect(totals.coverage).toMatchObject({ share: 1, gaps: [] });
  });

  test("misses a device from its registration on, and from its first sample where that is older", async () => {
    const clock = new ManualClock(startMs);
    const server = await startServer({ clock });
    server.addDevice("ems_001");
    clock.advance(8 * hourMs);
    const asked = range(startMs - 8 * hourMs, startMs + 8 * hourMs);
    await fill(server, startMs + 4 * hourMs, startMs + 8 * hourMs, 500);
    const late = await buckets(server, asked);
    expect(late.coverage.share).toBeCloseTo(0.5, 6);
    expect(late.coverage.gaps).toEqual([{ from: iso(startMs), to: iso(startMs + 4 * hourMs) }]);
    await fill(server, startMs - 2 * hourMs, startMs, 500);
    const imported = await buckets(server, asked);
    // Of two hours the last ten seconds are missing: nothing came at their end.
    expect(imported.coverage.share).toBeCloseTo(0.6 - 10_000 / (10 * hourMs), 6);
    expect(imported.coverage.gaps).toEqual([{ from: iso(startMs - 10_000), to: iso(startMs + 4 * hourMs) }]);
  });
});

/** A device that gave 1,000 W for two hours and was removed; an hour and seven minutes later another gets its id. */
async function startWithFormer(keepHistory: boolean) {
  const clock = new ManualClock(startMs);
  const server = await startServer({ clock });
  const admin = administratorOf(server);
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  device.send(sampleOf("ems_001", { timestamp: iso(startMs) }));
  const order = { action: "SET_MODE", payload: { target_mode: "AUTO" }, command_id: "former" };
  expect((await admin("POST", "/devices/ems_001/commands", order)).status).toBe(202);
  await fill(server, startMs, startMs + 2 * hourMs, 1_000);
  clock.advance(2 * hourMs);
  expect((await admin("DELETE", "/devices/ems_001")).status).toBe(200);
  clock.advance(67 * minuteMs);
  const added = await admin("POST", "/devices", { device_id: "ems_001", ...(keepHistory && { keep_history: true }) });
  expect(added.status).toBe(201);
  return { clock, server, admin, provisioned: added.body as ProvisionedBody, addedMs: clock.wallMs() };
}

/** What every door shows of `ems_001` and of the fleet in the range, as far as it can be of the one or the other device. */
async function everyDoor(server: TestServer, fromMs: number, toMs: number) {
  const asked = range(fromMs, toMs);
  const samples = await get<SamplesBody>(server, `/devices/ems_001/samples?${asked}&limit=10000`);
  const raw = await get<HistoryBody>(server, `/devices/ems_001/history?${asked}&buckets=2000&points=grid.power`);
  const fine = await get<HistoryBody>(server, `/devices/ems_001/history?${asked}&buckets=300&points=grid.power`);
  const coarse = await get<HistoryBody>(server, `/devices/ems_001/history?${asked}&buckets=3&points=grid.power`);
  const timeline = await get<TimelineBody>(server, `/devices/ems_001/timeline?${asked}`);
  const energy = await get<DeviceEnergyBody>(server, `/devices/ems_001/energy?${asked}&per=day`);
  const fleetEnergy = await get<FleetEnergyBody>(server, `/fleet/energy?${asked}&per=day`);
  const fleetFine = await get<FleetTotalsBody>(server, `/fleet/totals?${asked}`);
  const fleetCoarse = await get<FleetTotalsBody>(server, `/fleet/totals?${asked}&buckets=3`);
  const events = await get<EventsBody>(server, "/events?device_id=ems_001");
  const commands = await get<CommandListBody>(server, "/devices/ems_001/commands");
  const csv = await (await fetch(`${server.url}${paths.api}/export?device=ems_001`)).text();
  const distinct = (values: readonly (number | null)[]): number[] => [
    ...new Set(values.filter((value) => value !== null)),
  ];
  const powers = (history: HistoryBody): number[] =>
    history.resolution === "raw"
      ? distinct(history.points["grid.power"]?.values ?? [])
      : distinct(history.points["grid.power"]?.max ?? []);
  return {
    samples: samples.samples.length,
    raw: raw.at.length,
    fine: powers(fine),
    coarse: powers(coarse),
    states: [...new Set(timeline.runs.map(({ value }) => value))],
    energyWh: Math.round(energy.total.imported_wh ?? 0),
    fleetEnergyWh: Math.round(fleetEnergy.total.imported_wh ?? 0),
    fleetFine: distinct(fleetFine.sum),
    fleetCoarse: distinct(fleetCoarse.sum),
    events: events.events.length,
    commands: commands.commands.length,
    exported: csv.trim().split("\n").length - 1,
  };
}

describe("a device whose id another had", () => {
  test("has nothing of it, at no door", async () => {
    const { clock, server, provisioned, addedMs } = await startWithFormer(false);
    expect(provisioned.history_from).toBe(iso(addedMs));
    clock.advance(hourMs);
    const charts = { samples: 0, raw: 0, fine: [], coarse: [], states: [], fleetFine: [], fleetCoarse: [] };
    const nothing = { ...charts, energyWh: 0, fleetEnergyWh: 0, events: 0, commands: 0, exported: 0 };
    expect(await everyDoor(server, startMs - hourMs, clock.wallMs())).toEqual(nothing);
    expect((await openDashboard(server.wsUrl, "ems_001")).received).toEqual([]);

    await fill(server, addedMs, addedMs + hourMs, 60);
    const own = await everyDoor(server, startMs - hourMs, clock.wallMs());
    expect(own).toEqual({
      ...nothing,
      samples: 360,
      raw: 360,
      fine: [60],
      coarse: [60],
      states: ["IDLE"],
      fleetFine: [60],
      fleetCoarse: [60],
      energyWh: 60,
      fleetEnergyWh: 60,
      exported: 360,
    });
    // Of the bucket in which the device's own time begins, the own part alone counts.
    const whole = await buckets(server, `${range(startMs - hourMs, clock.wallMs())}&buckets=3`);
    expect(whole.coverage).toMatchObject({ share: 1, gaps: [] });
    expect(whole.bucket_coverage).toEqual([0, 0, 1]);
    const minutes = await buckets(server, `${range(addedMs - hourMs, clock.wallMs())}&buckets=200`);
    expect(minutes.coverage).toMatchObject({ share: 1, gaps: [] });
    expect([...new Set(minutes.bucket_coverage)]).toEqual([0, 1]);
    // And the same for the command line without a server, and after a restart.
    await server.stop();
    const { stdout } = await runCli(["export", "--device", "ems_001", "--data-dir", server.dataDir]);
    expect(stdout.trim().split("\n")).toHaveLength(361);
    const again = await startServer({ clock, dataDir: server.dataDir });
    expect(await everyDoor(again, startMs - hourMs, clock.wallMs())).toEqual(own);
  });

  test("has all of it where the administrator says that it is the same", async () => {
    const { clock, server, provisioned, addedMs } = await startWithFormer(true);
    expect(provisioned.history_from).toBeUndefined();
    await fill(server, addedMs, addedMs + hourMs, 60);
    clock.advance(hourMs);
    const all = await everyDoor(server, startMs - hourMs, clock.wallMs());
    expect(all).toMatchObject({ fine: [1_000, 60], states: ["CHARGING", "IDLE"], commands: 1 });
    expect(all.samples).toBe(1 + 720 + 360);
    expect(all.exported).toBe(all.samples);
  });

  test("goes on under the registration that the administrator names, and another begins under a key that nobody had", async () => {
    const { clock, server, admin, provisioned, addedMs } = await startWithFormer(false);
    const addAgain = async (body: object) => {
      expect((await admin("DELETE", "/devices/ems_001")).status).toBe(200);
      return await admin("POST", "/devices", { device_id: "ems_001", ...body });
    };
    const powers = async () => (await everyDoor(server, startMs - hourMs, clock.wallMs())).fine;
    await fill(server, addedMs, addedMs + hourMs, 60);
    clock.advance(hourMs);
    expect(provisioned.former_registration).toBe(1);
    expect((await addAgain({ keep_history: 1 })).status).toBe(201);
    expect(await powers()).toEqual([1_000]);
    // The one that was removed last, and then the second one.
    expect((await addAgain({ keep_history: true })).body).not.toHaveProperty("history_from");
    expect(await powers()).toEqual([1_000]);
    expect((await addAgain({ keep_history: 2 })).status).toBe(201);
    expect(await powers()).toEqual([60]);
    expect((await addAgain({})).body).toMatchObject({ former_registration: 2 });
    expect(await powers()).toEqual([]);
    expect(server.devices.registrationOf("ems_001").key).toBe("ems_001#3");
    // There is none of that number: nothing is added.
    const refused = await addAgain({ keep_history: 4 });
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(server.devices.find("ems_001")).toBeUndefined();
  });

  test("can be given a command under an id that the other's had", async () => {
    const { server, admin } = await startWithFormer(false);
    const order = { action: "SET_MODE", payload: { target_mode: "MANUAL_IDLE" }, command_id: "former" };
    expect((await admin("POST", "/devices/ems_001/commands", order)).status).toBe(202);
    const { commands } = await get<CommandListBody>(server, "/devices/ems_001/commands");
    expect(commands).toMatchObject([{ command_id: "former", payload: { target_mode: "MANUAL_IDLE" } }]);
  });

  test("has nothing of one whose clock went ahead by as much as is believed", async () => {
    const clock = new ManualClock(startMs);
    const server = await startServer({ clock });
    const admin = administratorOf(server);
    server.addDevice("ems_001");
    await fill(server, startMs, startMs + 4 * minuteMs, 1_000);
    await admin("DELETE", "/devices/ems_001");
    await admin("POST", "/devices", { device_id: "ems_001" });
    // Its own commands are shown from the first moment on.
    const order = { action: "SET_MODE", payload: { target_mode: "AUTO" } };
    expect((await admin("POST", "/devices/ems_001/commands", order)).status).toBe(202);
    expect((await get<CommandListBody>(server, "/devices/ems_001/commands")).commands).toHaveLength(1);
    clock.advance(hourMs);
    const asked = range(startMs - hourMs, clock.wallMs());
    expect((await get<SamplesBody>(server, `/devices/ems_001/samples?${asked}`)).samples).toEqual([]);
  });

  test("begins anew too where only the store remembers the other", async () => {
    const clock = new ManualClock(startMs);
    const first = await startServer({ clock });
    await fill(first, startMs - hourMs, startMs, 1_000);
    await first.stop();
    const server = await startServer({ clock, dataDir: first.dataDir });
    const added = await administratorOf(server)("POST", "/devices", { device_id: "ems_001" });
    expect(added.body).toMatchObject({ history_from: expect.any(String) });
    expect(server.devices.registrationOf("ems_001").key).toBe("ems_001#2");
    const samples = await get<SamplesBody>(server, `/devices/ems_001/samples?${range(startMs - hourMs, startMs)}`);
    expect(samples.samples).toEqual([]);
  });
});
