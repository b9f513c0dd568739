import { expect, test } from "vitest";
import { MeanReverting } from "./mean-reverting.ts";
import { Random } from "./random.ts";

test.each([1, 20, 300])("keeps its mean and its spread in steps of %i s", (dtS) => {
  const random = new Random(`steps of ${dtS}`);
  const process = new MeanReverting(2, 60, random);
  let sum = 0;
  let squares = 0;
  const steps = 200_000;
  for (let n = 0; n < steps; n++) {
    const value = process.step(dtS, random);
    sum += value;
    squares += value * value;
  }
  expect(Math.abs(sum / steps)).toBeLessThan(0.15);
  expect(Math.sqrt(squares / steps)).toBeGreaterThan(1.9);
  expect(Math.sqrt(squares / steps)).toBeLessThan(2.1);
});

test("forgets in its time constant: neighbours are alike, far values are not", () => {
  const random = new Random("memory");
  const process = new MeanReverting(1, 100, random);
  const values = Array.from({ length: 100_000 }, () => process.step(1, random));
  const correlation = (lag: number) => {
    let sum = 0;
    for (let at = lag; at < values.length; at++) sum += (values[at] ?? 0) * (values[at - lag] ?? 0);
    return sum / (values.length - lag);
  };
  expect(correlation(1)).toBeGreaterThan(0.85);
  expect(Math.abs(correlation(100) - Math.exp(-1))).toBeLessThan(0.2);
  expect(Math.abs(correlation(1_000))).toBeLessThan(0.2);
});
