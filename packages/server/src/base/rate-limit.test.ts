import { expect, test } from "vitest";
import { RateLimit } from "./rate-limit.ts";

function takeAll(limit: RateLimit, nowMs: number, stalledMs = 0): number {
  let taken = 0;
  while (limit.take(nowMs, stalledMs)) taken++;
  return taken;
}

test("lets a burst through, then the sustained rate, and never more than the burst after a pause", () => {
  const limit = new RateLimit(50, 200, 0);
  expect(takeAll(limit, 0)).toBe(200);
  expect(takeAll(limit, 1_000)).toBe(50);
  expect(takeAll(limit, 1_100)).toBe(5);
  expect(takeAll(limit, 1_000_000)).toBe(200);
});

test("lets through what came at the sustained rate while the event loop stood still, beyond the burst", () => {
  const limit = new RateLimit(50, 200, 0);
  expect(takeAll(limit, 60_000, 60_000)).toBe(200 + 60 * 50);
  expect(takeAll(limit, 61_000, 60_000)).toBe(50);
});

test("a stall of an hour is worth two minutes, and one that is over is worth nothing after as long again", () => {
  expect(takeAll(new RateLimit(50, 200, 0), 3_600_000, 3_600_000)).toBe(200 + 120 * 50);
  const limit = new RateLimit(50, 200, 0);
  expect(limit.take(10_000, 10_000)).toBe(true);
  expect(takeAll(limit, 15_000, 10_000)).toBe(200 + 5 * 50 - 1);
  const late = new RateLimit(50, 200, 0);
  expect(late.take(10_000, 10_000)).toBe(true);
  expect(takeAll(late, 20_000, 10_000)).toBe(200);
});

test("many small stalls add up to no more than the time that they took", () => {
  const limit = new RateLimit(50, 10, 0);
  let taken = 0;
  for (let nowMs = 0; nowMs <= 100_000; nowMs += 100) taken += takeAll(limit, nowMs, nowMs / 2);
  expect(taken).toBe(10 + 100 * 50);
});
