import type { Telemetry } from "@wattboard/protocol";
import { expect, it } from "vitest";
import { gapSeconds, historySamplesMax, PowerHistory } from "./power-history.ts";

function solar(power: number): Telemetry {
  return { device_id: "ems_001", timestamp: "2026-06-01T12:00:00Z", solar: { power } };
}

it("keeps samples in the order of their time, whatever order they come in", () => {
  const history = new PowerHistory();
  for (const [atMs, power] of [
    [3_000, 3],
    [1_000, 1],
    [2_000, 2],
  ] as const)
    history.add(atMs, solar(power));
  expect(history.columns(0).slice(0, 2)).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

it("holds a sample once although the seed and the stream both bring it", () => {
  const history = new PowerHistory();
  history.add(1_000, solar(1));
  history.seed([
    {
      observed_at: "1970-01-01T00:00:01.000Z",
      received_at: "1970-01-01T00:00:01.000Z",
      clock: "device",
      telemetry: solar(1),
    },
  ]);
  expect(history.columns(0)[0]).toEqual([1]);
});

it("leaves what was not measured empty, and keeps one sample before the window so that the line enters from its edge", () => {
  const history = new PowerHistory();
  for (let atMs = 1_000; atMs <= 5_000; atMs += 1_000) history.add(atMs, solar(atMs));
  const [times, , load] = history.columns(3_000);
  expect(times).toEqual([2, 3, 4, 5]);
  expect(load).toEqual([null, null, null, null]);
});

it("is bounded", () => {
  const history = new PowerHistory();
  for (let at = 0; at < historySamplesMax + 10; at++) history.add(at * 1_000, solar(at));
  const [times] = history.columns(0);
  expect(times).toHaveLength(historySamplesMax);
  expect(times[0]).toBe(10);
});

it("takes three usual intervals for a gap", () => {
  expect(gapSeconds([0, 1, 2, 60, 61])).toBe(5);
  expect(gapSeconds([0, 10, 20, 30])).toBe(30);
  expect(gapSeconds([])).toBe(5);
});
