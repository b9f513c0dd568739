import { describe, expect, it } from "vitest";
import { ageOf, formatAge } from "./age.ts";

describe("an age in words", () => {
  it.each([
    [-400, "0 s"],
    [-3_600_000, "−1 h"],
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

  it("is not negative for a clock that is a little ahead, is for one that was set back by an hour, and is unknown where nothing happened", () => {
    expect(ageOf(2_000, 1_500)).toBe(0);
    expect(ageOf(301_500, 1_500)).toBe(0);
    expect(ageOf(3_601_500, 1_500)).toBe(-3_600_000);
    expect(ageOf(1_000, 1_500)).toBe(500);
    expect(ageOf(null, 1_500)).toBeNull();
  });
});
