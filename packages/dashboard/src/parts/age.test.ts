import { describe, expect, it } from "vitest";
import { ageOf, formatAge, freshness, standing } from "./age.ts";

describe("an age in words", () => {
  it.each([
    [-400, "0 s"],
    [0, "0 s"],
    [2_999, "2 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3 * 60_000 + 59_000, "3 min"],
    [3_600_000, "1 h"],
    [86_399_999, "23 h"],
    [5 * 86_400_000, "5 d"],
  ])("%d ms reads %s", (ageMs, text) => {
    expect(formatAge(ageMs)).toBe(text);
  });

  it("is never negative, and is unknown where nothing happened", () => {
    expect(ageOf(2_000, 1_500)).toBe(0);
    expect(ageOf(1_000, 1_500)).toBe(500);
    expect(ageOf(null, 1_500)).toBeNull();
  });
});

describe("what may be called live", () => {
  it.each([
    [0, "live"],
    [5_000, "live"],
    [5_001, "fading"],
    [30_000, "fading"],
    [30_001, "stale"],
    [null, "never"],
  ] as const)("a value of %s ms is %s", (ageMs, expected) => {
    expect(freshness(ageMs)).toBe(expected);
  });

  it("an offline device is offline even where its last value is a moment old", () => {
    expect(standing(false, 100)).toBe("offline");
    expect(standing(false, null)).toBe("offline");
    expect(standing(true, 100)).toBe("live");
  });
});
