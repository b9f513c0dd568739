import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { type Backfiller, BackfillPace } from "./backfill-pace.ts";

function openScene() {
  const clock = new ManualClock();
  const queue = { isHalfFull: false };
  const pace = new BackfillPace(clock, { perSecond: 100, perDevice: 80 }, () => queue.isHalfFull);
  onTestFinished(() => pace.stop());
  const told: unknown[] = [];
  const device: Backfiller = { fenced: false, notify: (frame) => told.push(frame) };
  return { clock, queue, pace, device, told };
}

test("who has nothing to send takes no share, and is told one at which it may begin all the same", () => {
  const { pace, device, told } = openScene();
  expect(pace.begin(device, false)).toBe(80);
  expect(pace.activeCount).toBe(0);
  expect(pace.take(device, 80)).toBe(true);
  expect([pace.activeCount, told]).toEqual([1, [{ type: "pace", backfill: 80 }]]);
});

test("who is told to wait, with or without something to send, is told when it may go on", () => {
  const { clock, queue, pace, device, told } = openScene();
  queue.isHalfFull = true;
  expect(pace.begin(device, false)).toBe(0);
  clock.advance(60_000);
  expect(told).toEqual([]);
  queue.isHalfFull = false;
  clock.advance(1_000);
  expect(told).toEqual([{ type: "pace", backfill: 80 }]);
});

test("who says hello again and again gets no more for it, and whoever is much faster than told is refused", () => {
  const { clock, pace, device } = openScene();
  expect(pace.begin(device)).toBe(80);
  expect([pace.take(device, 160), pace.begin(device), pace.take(device, 1)]).toEqual([true, 80, false]);
  let taken = 0;
  for (let second = 0; second < 10; second++) {
    clock.advance(1_000);
    for (; pace.take(device, 10); ) taken += 10;
  }
  expect(taken).toBeGreaterThanOrEqual(10 * 80);
  expect(taken).toBeLessThanOrEqual(10 * 80 * 1.25 + 10);
});
