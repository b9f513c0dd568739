import { expect, test } from "vitest";
import { places } from "./places.ts";
import { Weather } from "./weather.ts";

const [uppsala] = places;
const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;

function mean(from: string, days: number, read: (timeMs: number) => number): number {
  const startMs = Date.parse(`${from}T00:00:00Z`);
  let sum = 0;
  const samples = days * 24 * 6;
  for (let n = 0; n < samples; n++) sum += read(startMs + n * 600_000);
  return sum / samples;
}

test("has the place's temperatures in January and July", () => {
  const weather = new Weather(uppsala, 1);
  const airC = (timeMs: number) => weather.airC(timeMs);
  expect(Math.abs(mean("2026-01-01", 31, airC) - uppsala.climate.januaryC)).toBeLessThan(2);
  expect(Math.abs(mean("2026-07-01", 31, airC) - uppsala.climate.julyC)).toBeLessThan(2);
});

test("is warmest in the afternoon of the place", () => {
  const weather = new Weather(uppsala, 1);
  const atUtcHour = (hour: number) => {
    let sum = 0;
    for (let day = 0; day < 300; day++) sum += weather.airC(Date.UTC(2026, 0, 1 + day, hour));
    return sum / 300;
  };
  expect(atUtcHour(14)).toBeGreaterThan(atUtcHour(8) + 2);
  expect(atUtcHour(14)).toBeGreaterThan(atUtcHour(2) + 7);
});

test("has clear, broken and closed skies over a year, and moves in minutes", () => {
  const weather = new Weather(uppsala, 1);
  const startMs = Date.UTC(2026, 0, 1);
  let clear = 0;
  let closed = 0;
  let moves = 0;
  const samples = yearMs / hourMs;
  for (let n = 0; n < samples; n++) {
    const cover = weather.cloudCover(startMs + n * hourMs);
    expect(cover).toBeGreaterThanOrEqual(0);
    expect(cover).toBeLessThanOrEqual(1);
    if (cover < 0.2) clear++;
    if (cover > 0.9) closed++;
    if (Math.abs(weather.cloudCover(startMs + n * hourMs + 180_000) - cover) > 0.1) moves++;
  }
  expect(clear / samples).toBeGreaterThan(0.05);
  expect(closed / samples).toBeGreaterThan(0.15);
  expect(moves / samples).toBeGreaterThan(0.1);
});

test("is the same for all who ask with one seed, and another for another seed", () => {
  const timeMs = Date.UTC(2026, 5, 1, 12);
  const at = (seed: number) => new Weather(uppsala, seed).airC(timeMs);
  expect(at(1)).toBe(at(1));
  expect(at(1)).not.toBe(at(2));
});
