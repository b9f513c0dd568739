import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { LoopLag } from "./loop-lag.ts";

test("a loop that turns has no lag; one that stood still is told at once, and once", () => {
  const clock = new ManualClock();
  const lag = new LoopLag(clock);
  const stalledMs = (): number => lag.stalledMs(clock.monotonicMs());
  clock.advance(60_000);
  expect(stalledMs()).toBe(0);
  clock.stall(10_000);
  // Before any timer has run: the next that was due would have come in 100 ms.
  expect(stalledMs()).toBe(9_880);
  clock.advance(0);
  expect(stalledMs()).toBe(9_880);
  clock.advance(60_000);
  expect(stalledMs()).toBe(9_880);
  lag.stop();
});
