import { expect, test } from "vitest";
import { TakeoverHistory } from "./takeover-history.ts";

test("believes five takeovers in a minute, and tells how long the sixth has to wait", () => {
  const history = new TakeoverHistory({ takeoversMax: 5, takeoverWindowMs: 60_000 });
  for (let at = 0; at < 5; at++) {
    expect(history.waitMs("ems_001", at * 1_000)).toBe(0);
    history.note("ems_001", at * 1_000);
  }
  expect(history.waitMs("ems_001", 5_000)).toBe(55_000);
  expect(history.waitMs("ems_002", 5_000)).toBe(0);
  expect(history.waitMs("ems_001", 60_000)).toBe(0);
});
