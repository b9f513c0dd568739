import fc from "fast-check";
import { expect, test } from "vitest";
import { energyMark, scaleTicks } from "./scale-ticks.ts";

test("a scale has round marks, the last of them no less than what it has to hold", () => {
  expect(scaleTicks(7_300)).toEqual([0, 2_000, 4_000, 6_000, 8_000]);
  expect(scaleTicks(1)).toEqual([0, 0.5, 1]);
  expect(scaleTicks(20)).toEqual([0, 5, 10, 15, 20]);
});

test("a scale has three to five marks, and is never more than twice as tall as needed", () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), (greatest) => {
      const ticks = scaleTicks(greatest);
      const top = ticks.at(-1) as number;
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(5);
      expect(top).toBeGreaterThanOrEqual(greatest * (1 - 1e-9));
      expect(top).toBeLessThanOrEqual(2 * greatest);
    }),
  );
});

test("no two marks of a scale of energies read the same", () => {
  expect(scaleTicks(1.2).map(energyMark)).toEqual(["0", "0.5 Wh", "1 Wh", "1.5 Wh"]);
  expect(scaleTicks(1_500).map(energyMark)).toEqual(["0", "500 Wh", "1 kWh", "1.5 kWh"]);
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), (greatest) => {
      const marks = scaleTicks(greatest).map(energyMark);
      expect(new Set(marks).size).toBe(marks.length);
    }),
  );
});
