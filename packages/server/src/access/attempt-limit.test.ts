import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { AttemptLimit } from "./attempt-limit.ts";

test("lets a burst through, then one each period, and says how long to wait", () => {
  const clock = new ManualClock();
  const limit = new AttemptLimit(clock, { burst: 3, everyMs: 1_000 });
  for (let tries = 0; tries < 3; tries++) {
    expect(limit.waitMs("a")).toBe(0);
    limit.take("a");
  }
  expect(limit.waitMs("a")).toBe(1_000);
  expect(limit.waitMs("b")).toBe(0);
  clock.advance(400);
  expect(limit.waitMs("a")).toBe(600);
  clock.advance(600);
  expect(limit.waitMs("a")).toBe(0);
  limit.take("a");
  expect(limit.waitMs("a")).toBe(1_000);
  limit.forgive("a");
  expect(limit.waitMs("a")).toBe(0);
});

test("remembers a bounded number of keys, and forgets the one that was not used for longest", () => {
  const clock = new ManualClock();
  const limit = new AttemptLimit(clock, { burst: 1, everyMs: 1_000_000 });
  limit.take("first");
  limit.take("second");
  limit.take("first");
  for (let key = 0; key < 19_999; key++) limit.take(String(key));
  expect(limit.waitMs("second")).toBe(0);
  expect(limit.waitMs("first")).toBeGreaterThan(0);
});
