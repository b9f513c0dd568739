import type { SampleBody } from "@wattboard/protocol";
import { expect, it } from "vitest";
import { onlineRow } from "./fleet-row.fixture.ts";
import { TrendHistory, trendPoints } from "./trend-history.ts";

const solar = trendPoints.indexOf("solar.power") + 1;
const rowAt = (observed_at_ms: number, watts: number) =>
  onlineRow({ id: "a", observed_at_ms, points: { "solar.power": watts } });
const storedAt = (atMs: number, watts: number): SampleBody => ({
  observed_at: new Date(atMs).toISOString(),
  received_at: new Date(atMs).toISOString(),
  clock: "device",
  telemetry: { device_id: "a", timestamp: new Date(atMs).toISOString(), solar: { power: watts } },
});

it("puts stored and live samples in the order in which they were measured, each once", () => {
  const history = new TrendHistory();
  history.addRow(rowAt(30_000, 3));
  history.addRow(rowAt(31_000, 4));
  history.addRow(rowAt(31_000, 4));
  history.addStored([storedAt(28_000, 1), storedAt(29_000, 2), storedAt(30_000, 3)]);
  const columns = history.columns(32_000);
  expect(columns[0]).toEqual([28, 29, 30, 31]);
  expect(columns[solar]).toEqual([1, 2, 3, 4]);
  // What was not told is no zero.
  expect(columns[trendPoints.indexOf("grid.power") + 1]).toEqual([null, null, null, null]);
});

it("holds 30 seconds, and the one sample before them that still tells what was", () => {
  const history = new TrendHistory();
  for (let second = 0; second <= 100; second++) history.addRow(rowAt(second * 1_000, second));
  expect(history.columns(100_000)[0]).toEqual(Array.from({ length: 32 }, (_, at) => 69 + at));
  expect(history.columns(300_000)[0]).toEqual([100]);
});

it("is empty for a device that has sent nothing", () => {
  const history = new TrendHistory();
  history.addRow(onlineRow({ id: "a", observed_at_ms: null }));
  expect(history.columns(1_000)[0]).toEqual([]);
});
