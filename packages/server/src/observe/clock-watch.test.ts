import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { ServerClockWatch } from "./clock-watch.ts";
import type { Events } from "./events.ts";

function watched() {
  const clock = new ManualClock();
  const told: string[] = [];
  const watch = new ServerClockWatch(clock, {
    report: (kind: string, _device: string | null, message: string) => told.push(`${kind}: ${message}`),
  } as unknown as Events);
  return { clock, told, watch };
}

test("a clock that is set is told once, with the size and the direction; one that drifts is not", () => {
  const { clock, told, watch } = watched();
  for (let second = 0; second < 100; second++) {
    clock.stepWall(500);
    clock.advance(1_000);
  }
  expect(told).toEqual([]);
  clock.stepWall(3_600_000);
  clock.advance(5_000);
  clock.stepWall(-3_600_000);
  clock.advance(5_000);
  expect(told).toEqual([
    expect.stringMatching(/^clock_stepped: .* forward by 3600\.0 s/),
    expect.stringMatching(/^clock_stepped: .* back by 3600\.0 s/),
  ]);
  // A loop that stands still is no clock that was set.
  clock.stall(60_000);
  clock.advance(5_000);
  expect(told).toHaveLength(2);
  watch.stop();
});

test("of a clock that jumps without end twenty steps an hour are told", () => {
  const { clock, told, watch } = watched();
  for (let second = 0; second < 3_000; second++) {
    clock.stepWall(10_000);
    clock.advance(1_000);
  }
  expect(told).toHaveLength(20);
  clock.advance(3_600_000);
  clock.stepWall(10_000);
  clock.advance(1_000);
  expect(told).toHaveLength(21);
  watch.stop();
});
