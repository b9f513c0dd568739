import { describe, expect, test } from "vitest";
import { hashUnit, Random } from "./random.ts";

describe("Random", () => {
  test("gives the same stream to the same name, and another to another", () => {
    const draw = (name: string) => {
      const random = new Random(name);
      return Array.from({ length: 50 }, () => random.uniform());
    };
    expect(draw("7/sim_0001")).toEqual(draw("7/sim_0001"));
    expect(draw("7/sim_0001")).not.toEqual(draw("7/sim_0002"));
  });

  test("is even, and its normal values have mean 0 and deviation 1", () => {
    const random = new Random("even");
    const buckets = new Array<number>(10).fill(0);
    let sum = 0;
    let squares = 0;
    const draws = 100_000;
    for (let n = 0; n < draws; n++) {
      const bucket = Math.floor(random.uniform() * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      const normal = random.normal();
      sum += normal;
      squares += normal * normal;
    }
    for (const count of buckets) expect(Math.abs(count - draws / 10)).toBeLessThan(500);
    expect(sum / draws).toBeCloseTo(0, 1);
    expect(squares / draws).toBeCloseTo(1, 1);
  });

  test("lets rare events come at their rate, whatever the step", () => {
    for (const dtS of [1, 60]) {
      const random = new Random("rare");
      const hours = 2_000;
      let events = 0;
      for (let atS = 0; atS < hours * 3_600; atS += dtS) if (random.happens(1 / 3_600, dtS)) events++;
      expect(events / hours).toBeGreaterThan(0.9);
      expect(events / hours).toBeLessThan(1.1);
    }
  });
});

test("hashUnit is even over neighbouring indices", () => {
  let sum = 0;
  let product = 0;
  for (let index = 0; index < 20_000; index++) {
    sum += hashUnit(5, index);
    product += (hashUnit(5, index) - 0.5) * (hashUnit(5, index + 1) - 0.5);
  }
  expect(sum / 20_000).toBeCloseTo(0.5, 1);
  expect(Math.abs(product / 20_000)).toBeLessThan(0.002);
});
