import { expect, test } from "vitest";
import { RateLimit } from "./rate-limit.ts";

test("lets a burst through, then the sustained rate, and never more than the burst after a pause", () => {
  const limit = new RateLimit(50, 200, 0);
  const takeAll = (nowMs: number): number => {
    let taken = 0;
    while (limit.take(nowMs)) taken++;
    return taken;
  };
  expect(takeAll(0)).toBe(200);
  expect(takeAll(1_000)).toBe(50);
  expect(takeAll(1_100)).toBe(5);
  expect(takeAll(1_000_000)).toBe(200);
});
