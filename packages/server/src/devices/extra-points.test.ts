import { expect, test } from "vitest";
import { ExtraPoints } from "./extra-points.ts";

test("a device has so many names and no more, until others were not sent for an hour", () => {
  const points = new ExtraPoints(64);
  for (let at = 0; at < 64; at++) expect(points.note(`battery.cell_${at}`, 0)).toBe(true);
  expect(points.note("battery.cell_64", 1_000)).toBe(false);
  expect(points.note("battery.cell_0", 1_000)).toBe(true);
  expect(points.note("battery.cell_64", 3_600_001)).toBe(true);
  expect(points.note("battery.cell_0", 3_600_001)).toBe(true);
});

test("of names that are too many together none is noted", () => {
  const points = new ExtraPoints(2);
  expect(points.noteAll(["a", "b", "c"], 0)).toBe(-1);
  expect(points.noteAll(["d", "e"], 0)).toBeGreaterThanOrEqual(0);
});

test("a set of names has a number that is the same in any order, and another than any other set has", () => {
  const points = new ExtraPoints();
  expect(points.noteAll(["a", "b"], 0)).toBe(points.noteAll(["b", "a"], 0));
  const numbers = new Set<number>();
  for (let bits = 0; bits < 4_096; bits++) {
    const names = Array.from({ length: 12 }, (_, at) => `cell_${at}`).filter((_, at) => (bits >> at) & 1);
    numbers.add(points.noteAll(names, 0));
  }
  expect(numbers.size).toBe(4_096);
});
