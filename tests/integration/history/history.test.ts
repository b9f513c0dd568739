import type { HistoryBody, PointsBody, TimelineBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { dayMs, fill, get, hourMs, openScene, secondMs, utc } from "../../support/questions.ts";

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
