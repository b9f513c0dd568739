import {
  type DeviceEnergyBody,
  type FleetEnergyBody,
  type FleetTotalsBody,
  type HistoryBody,
  type PointsBody,
  paths,
  type SamplesBody,
  type TimelineBody,
} from "@wattboard/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { batchOf, type Message, sampleAt } from "../../support/samples.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A server with one device, whose samples are written by `fill`. */
async function openScene(options: Parameters<typeof startServer>[0] = {}, properties: Record<string, string> = {}) {
  const server = await startServer(options);
  server.devices.add({ deviceId: "ems_001", properties });
  return server;
}

/** Writes samples of a device, a step apart, from `fromMs` up to `toMs`. */
async function fill(
  { store }: TestServer,
  fromMs: number,
  toMs: number,
  stepMs: number,
  sections: (at: number) => Message,
  deviceId = "ems_001",
): Promise<void> {
  const samples = [];
  for (let at = 0; fromMs + at * stepMs < toMs; at++) {
    const observedAtMs = fromMs + at * stepMs;
    samples.push(sampleAt(observedAtMs, at, sections(at), { deviceId, epoch: fromMs }));
  }
  await store.append([batchOf(samples)]);
}

interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

async function get<Body>(
  { url }: TestServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answered<Body>> {
  const response = await fetch(`${url}${paths.api}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as Body, headers: response.headers };
}

const utc = (text: string): number => Date.parse(text);

describe("history", () => {
  test("gives least, mean and greatest value, count and coverage for each bucket", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    await fill(server, fromMs, fromMs + 10 * 60_000, secondMs, (at) => ({
      grid: { power: at % 60 },
      battery: { soc: 50 },
    }));
    const { body } = await get<HistoryBody>(
      server,
      "/devices/ems_001/history?from=2025-06-01T12:00:00Z&to=2025-06-01T12:10:00Z&buckets=10",
    );
    if (body.resolution !== "buckets") throw new Error("These are too many to come as they are.");
    expect(body).toMatchObject({ device_id: "ems_001", bucket_ms: 60_000, from: "2025-06-01T12:00:00.000Z" });
    expect(body.at).toHaveLength(10);
    expect(body.at[1]).toBe("2025-06-01T12:01:00.000Z");
    expect(body.samples).toEqual(Array(10).fill(60));
    expect(body.bucket_coverage).toEqual(Array(10).fill(1));
    expect(body.points["grid.power"]).toEqual({
      min: Array(10).fill(0),
      avg: Array(10).fill(29.5),
      max: Array(10).fill(59),
    });
    expect(Object.keys(body.points)).toEqual(["grid.power", "battery.soc"]);
    expect(body.coverage).toMatchObject({ share: 1, gaps: [] });
  });

  test("gives the samples themselves where they are no more than the buckets, and nothing for what they leave out", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    await fill(server, fromMs, fromMs + 10 * secondMs, secondMs, (at) =>
      at % 2 ? { grid: { power: at } } : { solar: { power: 0.1 } },
    );
    const query = "from=2025-06-01T00:00:00Z&to=2025-06-02T00:00:00Z&points=grid.power,solar.power";
    const { body } = await get<HistoryBody>(server, `/devices/ems_001/history?${query}&buckets=10`);
    if (body.resolution !== "raw") throw new Error("They are ten, and fit.");
    expect(body.at[3]).toBe("2025-06-01T12:00:03.000Z");
    expect(body.points["grid.power"]?.values).toEqual([null, 1, null, 3, null, 5, null, 7, null, 9]);
    expect(body.points["solar.power"]?.values[0]).toBe(0.1);
    expect(body.coverage.share).toBeLessThan(0.05);
    // The device was registered later: it is not missed before its first sample.
    expect(body.coverage.gaps).toEqual([{ from: "2025-06-01T12:00:09.000Z", to: "2025-06-02T00:00:00.000Z" }]);
    const fewer = await get<HistoryBody>(server, `/devices/ems_001/history?${query}&buckets=9`);
    expect(fewer.body.resolution).toBe("buckets");
  });

  test("shows gaps as gaps, in the buckets and in the whole", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    await fill(server, fromMs, fromMs + 60_000, secondMs, () => ({ grid: { power: 1 } }));
    await fill(server, fromMs + 240_000, fromMs + 300_000, secondMs, () => ({ grid: { power: 1 } }));
    const { body } = await get<HistoryBody>(
      server,
      "/devices/ems_001/history?from=2025-06-01T12:00:00Z&to=2025-06-01T12:05:00Z&buckets=5",
    );
    if (body.resolution !== "buckets") throw new Error("These are too many to come as they are.");
    // Of the first minute there is nothing after its last second.
    expect(body.bucket_coverage).toEqual([59 / 60, 0, 0, 0, 1]);
    expect(body.points["grid.power"]?.avg).toEqual([1, null, null, null, 1]);
    expect(body.coverage.share).toBeCloseTo(0.4, 2);
    expect(body.coverage.gaps).toEqual([{ from: "2025-06-01T12:00:59.000Z", to: "2025-06-01T12:04:00.000Z" }]);
  });

  test("moves buckets of 15 minutes and more onto quarters of an hour, and says so", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T00:00:00Z");
    await fill(server, fromMs, fromMs + dayMs, 10 * secondMs, () => ({ grid: { power: 100 } }));
    const { body } = await get<HistoryBody>(
      server,
      "/devices/ems_001/history?from=2025-06-01T03:07:12Z&to=2025-06-01T20:22:01Z&buckets=20",
    );
    if (body.resolution !== "buckets") throw new Error("These are too many to come as they are.");
    expect(body).toMatchObject({ bucket_ms: hourMs, from: "2025-06-01T03:00:00.000Z", to: "2025-06-01T20:30:00.000Z" });
    expect(body.at).toHaveLength(18);
    expect(body.samples.slice(0, 17)).toEqual(Array(17).fill(360));
    expect(body.samples[17]).toBe(180);
    expect(body.bucket_coverage).toEqual(Array(18).fill(1));
  });

  test.each([1, 2, 7, 300, 2_000])("never gives more than %d buckets where so many are asked for", async (buckets) => {
    const server = await openScene();
    await fill(server, utc("2025-01-01T00:00:00Z"), utc("2025-01-04T00:00:00Z"), 30 * secondMs, () => ({
      grid: { power: 1 },
    }));
    for (const range of [
      "from=2025-01-01T00:00:59Z&to=2025-01-01T23:59:59Z",
      "from=2016-01-01&to=2025-12-31",
      "from=2025-01-01T11:59:59.999Z&to=2025-01-01T12:00:00.001Z",
      "from=2024-12-31T23:50:00Z&to=2025-01-02T00:10:00Z",
    ]) {
      const { status, body } = await get<HistoryBody>(server, `/devices/ems_001/history?${range}&buckets=${buckets}`);
      expect([range, status]).toEqual([range, 200]);
      expect(body.at.length).toBeLessThanOrEqual(buckets);
      if (body.resolution !== "buckets") continue;
      expect(body.samples).toHaveLength(body.at.length);
      expect(body.points["grid.power"]?.avg).toHaveLength(body.at.length);
    }
  });

  test("says which names are near to one that it does not know", async () => {
    const server = await openScene();
    await fill(server, utc("2025-06-01T12:00:00Z"), utc("2025-06-01T12:00:05Z"), secondMs, () => ({
      heat_pump: { flow_temperature: 38.5 },
    }));
    const { status, body } = await get<object>(server, "/devices/ems_001/history?points=heatpump.flow_temp");
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: "unknown_point",
      detail: expect.stringContaining("heat_pump.flow_temperature"),
    });
    const state = await get<object>(server, "/devices/ems_001/history?points=system_status.state");
    expect(state).toMatchObject({ status: 400, body: { detail: expect.stringContaining("timeline") } });
    const { body: known } = await get<PointsBody>(server, "/devices/ems_001/points");
    expect(known.points).toEqual([
      { name: "heat_pump.flow_temperature", label: "heat_pump.flow_temperature", unit: "", kinds: ["number"] },
    ]);
  });
});

describe("the timeline", () => {
  test("gives runs of a state, ends them at a gap, and goes on where one answer ends", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    const states = ["IDLE", "CHARGING", "FULL"];
    await fill(server, fromMs, fromMs + 60_000, secondMs, (at) => ({
      system_status: { state: states[Math.floor(at / 20)] ?? "" },
    }));
    await fill(server, fromMs + 300_000, fromMs + 310_000, secondMs, () => ({ system_status: { state: "FULL" } }));
    const path = "/devices/ems_001/timeline?to=2025-06-02T00:00:00Z";
    const { body } = await get<TimelineBody>(server, `${path}&from=2025-06-01T00:00:00Z`);
    expect(body.runs).toEqual([
      { from: "2025-06-01T12:00:00.000Z", to: "2025-06-01T12:00:20.000Z", value: "IDLE" },
      { from: "2025-06-01T12:00:20.000Z", to: "2025-06-01T12:00:40.000Z", value: "CHARGING" },
      { from: "2025-06-01T12:00:40.000Z", to: "2025-06-01T12:00:59.000Z", value: "FULL" },
      { from: "2025-06-01T12:05:00.000Z", to: "2025-06-01T12:05:09.000Z", value: "FULL" },
    ]);
    expect(body.next_from).toBeNull();
    const first = await get<TimelineBody>(server, `${path}&from=2025-06-01T00:00:00Z&limit=1`);
    expect(first.body.runs).toEqual(body.runs.slice(0, 1));
    const second = await get<TimelineBody>(server, `${path}&from=${first.body.next_from}&limit=1`);
    expect(second.body.runs).toEqual(body.runs.slice(1, 2));
  });
});

describe("energy", () => {
  const house: Message = {
    grid: { power: 500 },
    solar: { power: 1_500 },
    load: { power: 2_000 },
    battery: { power: 0 },
  };

  test("is counted in the site's days, the one of 23 hours and the one of 25 included", async () => {
    const server = await openScene({}, { time_zone: "Europe/Vienna" });
    for (const [from, to, hours] of [
      ["2025-03-30", "2025-03-31", 23],
      ["2025-10-26", "2025-10-27", 25],
    ] as const) {
      const startMs = utc(`${from}T00:00:00Z`) - (hours === 23 ? 1 : 2) * hourMs;
      await fill(server, startMs - hourMs, startMs + 27 * hourMs, 30 * secondMs, () => house);
      const query = `/devices/ems_001/energy?from=${from}&to=${to}`;
      const { body: day } = await get<DeviceEnergyBody>(server, query);
      expect(day).toMatchObject({ time_zone: "Europe/Vienna", per: "day" });
      expect(day.spans).toHaveLength(1);
      expect(utc(day.to) - utc(day.from)).toBe(hours * hourMs);
      expect(day.spans[0]?.imported_wh).toBeCloseTo(500 * hours, 0);
      expect(day.spans[0]).toMatchObject({ autarky: expect.closeTo(0.75, 6), self_consumption: 1, coverage: 1 });
      expect(day.coverage).toMatchObject({ share: 1, gaps: [] });
      const { body: byHour } = await get<DeviceEnergyBody>(server, `${query}&per=hour`);
      expect(byHour.spans).toHaveLength(hours);
      for (const name of ["imported_wh", "produced_wh", "consumed_wh", "self_consumed_wh"] as const) {
        const sum = byHour.spans.reduce((total, span) => total + (span[name] ?? 0), 0);
        expect(sum).toBeCloseTo(day.spans[0]?.[name] ?? 0, 6);
        expect(byHour.total[name]).toBeCloseTo(sum, 6);
      }
    }
  });

  test.each(["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "UTC"])(
    "agrees at every zoom in %s: hours with the day, days with the month, months with the year",
    async (zone) => {
      const server = await openScene();
      const startMs = utc("2025-03-28T00:00:00Z");
      // A battery that turns round, and a sample now and then that stays out.
      await fill(server, startMs, startMs + 12 * dayMs, 25 * secondMs, (at) => ({
        grid: { power: 900 * Math.sin(at / 50) },
        battery: { power: 400 * Math.cos(at / 70) },
        solar: { power: Math.max(0, 3_000 * Math.sin(at / 900)) },
      }));
      const energy = async (query: string): Promise<DeviceEnergyBody> =>
        (await get<DeviceEnergyBody>(server, `/devices/ems_001/energy?time_zone=${zone}&${query}`)).body;
      const year = await energy("from=2025-01-01&to=2026-01-01&per=year");
      expect(year.spans).toHaveLength(1);
      const zooms = [
        await energy("from=2025-01-01&to=2026-01-01&per=month"),
        await energy("from=2025-03-01&to=2025-05-01&per=day"),
        await energy("from=2025-03-25&to=2025-04-15&per=hour"),
      ];
      expect(zooms[0]?.spans).toHaveLength(12);
      expect(year.total.charged_wh).toBeGreaterThan(1_000);
      for (const zoom of zooms) {
        for (const [at, span] of zoom.spans.entries())
          expect(span.from).toBe(at === 0 ? zoom.from : zoom.spans[at - 1]?.to);
        for (const name of [
          "imported_wh",
          "exported_wh",
          "charged_wh",
          "discharged_wh",
          "produced_wh",
          "consumed_wh",
          "self_consumed_wh",
        ] as const) {
          expect([zoom.per, name, zoom.total[name]?.toFixed(3)]).toEqual([
            zoom.per,
            name,
            year.total[name]?.toFixed(3),
          ]);
        }
      }
    },
  );

  test("takes the device's zone, else the setting's, unless the question names one", async () => {
    const server = await openScene({ settings: { "site.time_zone": "Asia/Kolkata" } });
    server.devices.add({ deviceId: "ems_002", properties: { time_zone: "Europe/Vienna" } });
    const zoneOf = async (deviceId: string, query = ""): Promise<string> =>
      (await get<DeviceEnergyBody>(server, `/devices/${deviceId}/energy?${query}`)).body.time_zone;
    expect(await zoneOf("ems_001")).toBe("Asia/Kolkata");
    expect(await zoneOf("ems_002")).toBe("Europe/Vienna");
    expect(await zoneOf("ems_002", "time_zone=Asia/Kathmandu")).toBe("Asia/Kathmandu");
    expect(server.devices.add({ deviceId: "ems_003", properties: { time_zone: "Vienna" } })).toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("time_zone"),
    });
    await expect(startServer({ settings: { "site.time_zone": "CEST+1" } })).rejects.toThrow(
      /site-time-zone.*Europe\/Vienna/s,
    );
  });

  test("has no shares where nothing was consumed or produced, and holds only passed time against a day that is not over", async () => {
    const server = await openScene();
    const nowMs = Math.floor(Date.now() / secondMs) * secondMs;
    await fill(server, nowMs - 2 * dayMs, nowMs, 30 * secondMs, () => ({ battery: { soc: 50 } }));
    const { body } = await get<DeviceEnergyBody>(server, "/devices/ems_001/energy?per=hour");
    const last = body.spans.at(-1);
    expect(last).toMatchObject({ autarky: null, self_consumption: null, imported_wh: null });
    expect(body.spans.at(-2)?.coverage).toBe(1);
    expect(body.coverage.share).toBeGreaterThan(0.97);
    expect(utc(last?.to ?? "")).toBeGreaterThanOrEqual(nowMs);
  });
});

describe("the fleet", () => {
  test("sums a point and energy over devices, all or chosen", async () => {
    const server = await openScene({}, { country: "SE" });
    const fromMs = utc("2025-06-01T00:00:00Z");
    server.devices.add({ deviceId: "ems_002", properties: { country: "AT" } });
    server.devices.add({ deviceId: "ems_003", properties: { country: "SE" } });
    for (const [deviceId, power] of [
      ["ems_001", 100],
      ["ems_002", 1_000],
    ] as const) {
      await fill(server, fromMs, fromMs + hourMs + 15 * secondMs, 15 * secondMs, () => ({ grid: { power } }), deviceId);
    }
    const range = "from=2025-06-01T00:00:00Z&to=2025-06-01T02:00:00Z";
    const totals = async (query: string): Promise<FleetTotalsBody> =>
      (await get<FleetTotalsBody>(server, `/fleet/totals?${range}&${query}`)).body;
    const all = await totals("buckets=120&point=grid.power");
    expect(all).toMatchObject({ unit: "W", bucket_ms: 60_000, device_count: 3 });
    expect(all.sum.slice(0, 60)).toEqual(Array(60).fill(1_100));
    expect(all.sum.slice(61)).toEqual(Array(59).fill(null));
    expect(all.devices.slice(0, 60)).toEqual(Array(60).fill(2));
    expect(all.coverage.gaps).toEqual([{ from: "2025-06-01T01:00:00.000Z", to: "2025-06-01T02:00:00.000Z" }]);
    expect((await totals("buckets=8&property=country:SE")).sum[0]).toBe(100);
    expect((await totals("buckets=8&devices=ems_002,ems_001")).sum[0]).toBe(1_100);

    const { body: energy } = await get<FleetEnergyBody>(server, "/fleet/energy?from=2025-05-31&to=2025-06-03");
    expect(energy.spans.map(({ imported_wh }) => imported_wh)).toEqual([null, expect.closeTo(1_100, 0), null]);
    expect(energy.spans.map(({ devices }) => devices)).toEqual([0, 2, 0]);
    expect(energy.device_count).toBe(3);
    expect((await get(server, "/fleet/totals?devices=ems_001,nobody")).status).toBe(404);
  });

  test("refuses a question that would read too much, and says what to ask instead", async () => {
    const server = await openScene();
    for (let at = 0; at < 40; at++) server.devices.add({ deviceId: `many_${at}` });
    const refused = await get<object>(server, "/fleet/totals?from=2025-06-01&to=2025-06-14&buckets=2000");
    expect(refused).toMatchObject({
      status: 400,
      body: { code: "range_too_large", detail: expect.stringContaining("fewer") },
    });
    expect((await get(server, "/fleet/totals?from=2025-06-01&to=2025-06-14&buckets=1000")).status).toBe(200);
    const energy = await get<object>(server, "/fleet/energy?from=2016-06-01&to=2025-06-01&per=month");
    expect(energy).toMatchObject({ status: 400, body: { code: "range_too_large" } });
  });
});

describe("samples", () => {
  test.each(["last", "first"])(
    "are walked page by page from the %s one, each exactly once, while new and late ones come in",
    async (take) => {
      const server = await openScene();
      const fromMs = utc("2025-06-01T12:00:00Z");
      // Several at the same instant: the order goes on by epoch and number.
      await fill(server, fromMs, fromMs + 1_000, 1, (at) => ({ solar: { power: at } }));
      const twins = Array.from({ length: 50 }, (_, at) =>
        sampleAt(fromMs + 500, at, { solar: { power: -1 } }, { epoch: 9 }),
      );
      await server.store.append([batchOf(twins)]);
      const seen: string[] = [];
      let query = `from=2025-06-01T12:00:00Z&take=${take}`;
      for (let page = 0; ; page++) {
        const { body } = await get<SamplesBody>(server, `/devices/ems_001/samples?limit=37&${query}`);
        seen.push(...body.samples.map(({ observed_at, telemetry }) => `${observed_at} ${telemetry.solar?.power}`));
        if (body.next_cursor === null) break;
        query = `cursor=${body.next_cursor}`;
        // Where the walk began at the newest, these are newer; where it began at the oldest, these lie outside its range.
        await server.store.append([
          batchOf([sampleAt(Date.now() + hourMs, page, { solar: { power: 0 } }, { epoch: 11 })]),
        ]);
      }
      expect(seen).toHaveLength(1_050);
      expect(new Set(seen).size).toBe(1_001);
      expect(seen.filter((each) => each.endsWith(" -1"))).toHaveLength(50);
    },
  );

  test("can be asked for by points, and keep the numbers as they were sent", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    await fill(server, fromMs, fromMs + 2_000, secondMs, () => ({
      battery: { soc: 0.1, power: 1e-7 },
      grid: { power: 1 },
    }));
    const path = "/devices/ems_001/samples?from=2025-06-01T12:00:00Z&points=battery.power";
    const { body } = await get<SamplesBody>(server, path);
    expect(body.samples[0]?.telemetry).toEqual({
      device_id: "ems_001",
      timestamp: "2025-06-01T12:00:00.000Z",
      battery: { power: 1e-7 },
    });
  });

  test.each(["x", "eyJmIjoxfQ", "%00", "../../etc", "e30", "bnVsbA", "W10", "a".repeat(400)])(
    "refuse the cursor %s, and say so",
    async (cursor) => {
      const server = await openScene();
      for (const path of ["/devices/ems_001/samples", "/devices", "/events"]) {
        const refused = await get<object>(server, `${path}?cursor=${cursor}`);
        expect(refused).toMatchObject({ status: 400, body: { code: "invalid_cursor" } });
      }
    },
  );
});

test("devices come page by page, and can be filtered", async () => {
  const server = await startServer();
  for (let at = 0; at < 25; at++) {
    server.devices.add({
      deviceId: `d${String(at).padStart(2, "0")}`,
      name: `Cellar ${at}`,
      properties: { country: at % 2 ? "SE" : "AT" },
    });
  }
  const walk = async (query: string): Promise<string[]> => {
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await get<{ devices: { device_id: string }[]; next_cursor: string | null }>(
        server,
        `/devices?limit=4&${query}${cursor}`,
      );
      found.push(...body.devices.map(({ device_id }) => device_id));
      if (body.next_cursor === null) return found;
      cursor = `&cursor=${body.next_cursor}`;
    }
  };
  expect(await walk("")).toHaveLength(25);
  expect(await walk("property=country:SE")).toHaveLength(12);
  expect(await walk("q=cellar%202")).toEqual(["d02", "d20", "d21", "d22", "d23", "d24"]);
  expect(await walk("online=true")).toEqual([]);
  expect((await get(server, "/devices?online=maybe")).status).toBe(400);
});

describe("bad input", () => {
  const times = [
    "yesterday",
    "",
    "NaN",
    "1e99",
    "-1",
    "2026-13-01",
    "2026-02-30T00:00:00Z",
    "1900-01-01T00:00:00Z",
    "99999999999999999999",
  ];
  const counts = ["0", "-1", "1e99", "NaN", "many", "", "2.5", "100000000000"];
  const cases: [path: string, query: string][] = [
    ...["samples", "history", "timeline", "energy"].flatMap(
      (path) =>
        [
          ...times.map((time): [string, string] => [`/devices/ems_001/${path}`, `from=${time}`]),
          ...times
            .filter((time) => time !== "9999")
            .map((time): [string, string] => [`/devices/ems_001/${path}`, `to=${time}`]),
          [`/devices/ems_001/${path}`, "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"],
          [`/devices/ems_001/${path}`, "from=2990-01-01T00:00:00Z"],
          [`/devices/ems_001/${path}`, "from=1990-01-01T00:00:00Z"],
          [`/devices/ems_001/${path}`, "time_zone=Mars/Olympus"],
          [`/devices/ems_001/${path}`, "time_zone="],
          [`/devices/ems_001/${path}`, "from=2026-01-01&from=2026-01-02"],
          [`/devices/ems_001/${path}`, "form=2026-01-01"],
        ] as [string, string][],
    ),
    ...counts.map((count): [string, string] => ["/devices/ems_001/samples", `limit=${count}`]),
    ...counts.map((count): [string, string] => ["/devices/ems_001/history", `buckets=${count}`]),
    ...counts.map((count): [string, string] => ["/devices/ems_001/timeline", `limit=${count}`]),
    ...counts.map((count): [string, string] => ["/fleet/totals", `buckets=${count}`]),
    ...counts.map((count): [string, string] => ["/devices", `limit=${count}`]),
    ...counts.map((count): [string, string] => ["/events", `limit=${count}`]),
    ["/devices/ems_001/samples", "limit=10001"],
    ["/devices/ems_001/samples", "take=middle"],
    ["/devices/ems_001/samples", "points="],
    ["/devices/ems_001/samples", "points=nothing.like_it"],
    ["/devices/ems_001/history", "buckets=2001"],
    ["/devices/ems_001/history", "points=,"],
    ["/devices/ems_001/history", `points=${Array.from({ length: 21 }, (_, at) => `a.b${at}`).join(",")}`],
    ["/devices/ems_001/history", `points=${"x".repeat(3_000)}`],
    ["/devices/ems_001/timeline", "point=battery.soc,grid.power"],
    ["/devices/ems_001/timeline", "from=2025-01-01&to=2025-03-01"],
    ["/devices/ems_001/energy", "per=week"],
    ["/devices/ems_001/energy", "per=hour&from=2025-01-01&to=2025-06-01"],
    ["/devices/ems_001/energy", "per=day&from=2018-01-01&to=2025-06-01"],
    ["/fleet/energy", "per=hour"],
    ["/fleet/energy", "from=soon"],
    ["/fleet/energy", "property=country"],
    ["/fleet/totals", "point=system_status.state"],
    ["/fleet/totals", "point=a.b.c"],
    ["/fleet/totals", "point="],
    ["/fleet/totals", "from=2026-01-01&to=2026-01-01"],
    ["/events", "from=soon"],
    ["/events", "to=2026-01-01"],
  ];

  test("is answered with 400, and with words on what to mend, for every parameter", async () => {
    const server = await openScene();
    for (const [path, query] of cases) {
      const { status, body, headers } = await get<{ code: string; detail: string }>(server, `${path}?${query}`);
      expect([path, query, status]).toEqual([path, query, 400]);
      expect(headers.get("content-type")).toContain("application/problem+json");
      expect(["invalid_request", "range_too_large", "unknown_point"]).toContain(body.code);
      expect(body.detail.length).toBeLessThan(500);
    }
    expect((await get(server, "/devices/ems_001/history")).status).toBe(200);
  });

  test("names what is not known, and what may be chosen", async () => {
    const server = await openScene();
    const detail = async (query: string): Promise<string> =>
      (await get<{ detail: string }>(server, `/devices/ems_001/energy?${query}`)).body.detail;
    expect(await detail("form=2026-01-01")).toContain('"form"');
    expect(await detail("per=week")).toContain("hour, day, month, year");
    expect(await detail("from=yesterday")).toContain("2026-01-31T12:00:00Z");
  });

  test("a device that is not known is 404 everywhere", async () => {
    const server = await openScene();
    for (const part of ["", "/latest", "/points", "/samples", "/history", "/timeline", "/energy"]) {
      expect(await get(server, `/devices/nobody${part}`)).toMatchObject({
        status: 404,
        body: { code: "unknown_device" },
      });
    }
  });
});

describe("a question", () => {
  test("whose asker has left makes room for others", async () => {
    const server = await openScene();
    const release = server.store.stall();
    onTestFinished(release);
    const leave = new AbortController();
    const asked = Array.from({ length: 32 }, () =>
      fetch(`${server.url}${paths.api}/devices/ems_001/history`, { signal: leave.signal }).catch(() => null),
    );
    // As many as may wait do: one more, whichever comes last, is told so.
    asked.push(fetch(`${server.url}${paths.api}/devices/ems_001/history`));
    const refused = (await Promise.race(asked)) as Response;
    const busy = { status: refused.status, headers: refused.headers, body: await refused.json() };
    expect(busy).toMatchObject({ status: 503, body: { code: "store_busy" } });
    expect(busy.headers.get("retry-after")).toBe("1");
    leave.abort();
    await Promise.all(asked);
    release();
    await eventually(async () => expect((await get(server, "/devices/ems_001/history")).status).toBe(200));
  });

  test("that takes too long is ended with 504, and the next one is answered", async () => {
    const server = await openScene({ settings: { "limits.query_ms": "300" } });
    const release = server.store.stall();
    onTestFinished(release);
    expect(await get(server, "/devices/ems_001/timeline")).toMatchObject({ status: 504, body: { code: "timeout" } });
    release();
    await eventually(async () => expect((await get(server, "/devices/ems_001/timeline")).status).toBe(200));
  });

  test("about the past has an ETag: asked again, nothing is sent; once a late sample is there, it is", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    await fill(server, fromMs, fromMs + 60_000, secondMs, () => ({ grid: { power: 100 } }));
    for (const [at, path] of [
      "/devices/ems_001/history?from=2025-06-01&to=2025-06-02",
      "/devices/ems_001/energy?from=2025-06-01&to=2025-06-02",
      "/fleet/energy?from=2025-06-01&to=2025-06-02",
    ].entries()) {
      const first = await get(server, path);
      expect(first.headers.get("cache-control")).toBe("private, max-age=300");
      const again = await get(server, path, { "if-none-match": first.headers.get("etag") ?? "" });
      expect([path, again.status, again.body]).toEqual([path, 304, null]);
      // Each behind the one before: between two others it might change no sum.
      const late = sampleAt(fromMs + 60_000 + (at + 1) * 5_000, at, { grid: { power: 500 } }, { epoch: 77 });
      await server.store.append([batchOf([late])]);
      const changed = await get(server, path, { "if-none-match": first.headers.get("etag") ?? "" });
      expect([path, changed.status]).toEqual([path, 200]);
    }
    const live = await get(server, "/devices/ems_001/history");
    expect(live.headers.get("cache-control")).toBe("private, no-cache");
  });
});
