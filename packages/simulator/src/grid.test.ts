import { describe, expect, test } from "vitest";
import { Grid } from "./grid.ts";
import { places } from "./places.ts";
import { Random } from "./random.ts";

const [uppsala] = places;
const startMs = Date.UTC(2026, 0, 31);

function spread(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

function run(seconds: number, importW = 0, swell = 0) {
  const grid = new Grid(uppsala.grid, 11_000, 1, new Random("grid"));
  const volts: number[] = [];
  const hertz: number[] = [];
  for (let n = 1; n <= seconds; n++) {
    grid.step(1, startMs + n * 1_000, importW, swell);
    volts.push(grid.voltageV);
    hertz.push(grid.frequencyHz);
  }
  return { volts, hertz };
}

describe("Grid", () => {
  test("wanders around its nominal values and is drawn back", () => {
    const { volts, hertz } = run(86_400);
    const voltage = spread(volts);
    expect(Math.abs(voltage.mean - 230)).toBeLessThan(1);
    expect(voltage.deviation).toBeGreaterThan(1.5);
    expect(voltage.deviation).toBeLessThan(4);
    const frequency = spread(hertz);
    expect(Math.abs(frequency.mean - 50)).toBeLessThan(0.01);
    expect(frequency.deviation).toBeGreaterThan(0.025);
    expect(frequency.deviation).toBeLessThan(0.06);
    expect(Math.max(...volts)).toBeLessThan(1.08 * 230);
  });

  test("moves slowly: the frequency does not jump from one second to the next", () => {
    const { hertz } = run(3_600);
    for (const [at, value] of hertz.entries()) {
      expect(Math.abs(value - (hertz[at - 1] ?? value))).toBeLessThan(0.03);
    }
  });

  test("shows all houses of an area the same frequency, and each its own voltage", () => {
    const [here, there] = ["a", "b"].map((house) => new Grid(uppsala.grid, 11_000, 1, new Random(house)));
    here?.step(1, startMs, 0, 0);
    there?.step(1, startMs, 0, 0);
    expect(here?.frequencyHz).toBe(there?.frequencyHz);
    expect(here?.voltageV).not.toBe(there?.voltageV);
  });

  test("sags under load, rises with feed-in, and swells in a fault", () => {
    const mean = (importW: number, swell = 0) => spread(run(3_600, importW, swell).volts).mean;
    expect(mean(8_000)).toBeLessThan(mean(0) - 3);
    expect(mean(-8_000)).toBeGreaterThan(mean(0) + 3);
    expect(mean(0, 0.14)).toBeGreaterThan(1.1 * 230);
  });
});
