import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "./random.ts";
import { type SolMateBehaviour, SolMateCurve, solMateBehaviours } from "./solmate-curve.ts";

function draw(behaviour: SolMateBehaviour, valueMax: number, seed: number, count: number): number[] {
  const curve = new SolMateCurve(behaviour, valueMax, new Random(`${seed}`));
  return [curve.value, ...Array.from({ length: count - 1 }, () => curve.next())];
}

/** +1 where it rose from one value to the next, −1 where it fell, 0 where it stayed. */
function directions(values: readonly number[]): number[] {
  return values.slice(1).map((value, at) => Math.sign(value - (values[at] ?? 0)));
}

const anyMax = fc.integer({ min: 1, max: 1_000_000 });
const anySeed = fc.nat();

test("every value lies between 0 and the maximum, and the same seed gives the same values", () => {
  fc.assert(
    fc.property(fc.constantFrom(...solMateBehaviours), anyMax, anySeed, (behaviour, valueMax, seed) => {
      const values = draw(behaviour, valueMax, seed, 250);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...values)).toBeLessThanOrEqual(valueMax);
      expect(draw(behaviour, valueMax, seed, 250)).toEqual(values);
    }),
  );
});

test("a line rises strictly up to the maximum, and then begins anew at 0", () => {
  fc.assert(
    fc.property(anyMax, anySeed, (valueMax, seed) => {
      const values = draw("linear", valueMax, seed, 350);
      directions(values).forEach((direction, at) => {
        const isAnew = values[at] === valueMax && values[at + 1] === 0;
        expect(direction).toBe(isAnew ? -1 : 1);
      });
      expect(values).toContain(valueMax);
    }),
  );
});

test("a sine rises or falls strictly, and turns at the maximum and at 0 alone", () => {
  fc.assert(
    fc.property(anyMax, anySeed, (valueMax, seed) => {
      const values = draw("sine", valueMax, seed, 350);
      const moves = directions(values);
      expect(moves).not.toContain(0);
      moves.slice(1).forEach((direction, at) => {
        if (direction !== moves[at]) expect(values[at + 1]).toBe(direction < 0 ? valueMax : 0);
      });
      expect(values).toContain(valueMax);
      expect(values).toContain(0);
    }),
  );
});

test("random values are whole numbers that reach both ends, and begin anywhere", () => {
  const values = draw("random", 3, 7, 200);
  expect([...new Set(values)].sort()).toEqual([0, 1, 2, 3]);
  const starts = Array.from({ length: 50 }, (_, seed) => draw("sine", 400, seed, 1)[0]);
  expect(new Set(starts).size).toBeGreaterThan(20);
});
