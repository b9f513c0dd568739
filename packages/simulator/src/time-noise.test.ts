import { expect, test } from "vitest";
import { timeNoise } from "./time-noise.ts";

test("is a smooth function of time within ±1, also across the lattice", () => {
  for (let timeS = 1_800_000_000; timeS < 1_800_010_000; timeS++) {
    const value = timeNoise(3, 60, timeS);
    expect(Math.abs(value)).toBeLessThanOrEqual(1);
    expect(Math.abs(timeNoise(3, 60, timeS + 1) - value)).toBeLessThan(0.06);
  }
});

test("differs by seed and not by who asks", () => {
  expect(timeNoise(3, 60, 1_234.5)).toBe(timeNoise(3, 60, 1_234.5));
  expect(timeNoise(3, 60, 1_234.5)).not.toBe(timeNoise(4, 60, 1_234.5));
});
