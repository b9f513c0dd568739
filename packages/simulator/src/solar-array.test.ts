import { describe, expect, test } from "vitest";
import { places } from "./places.ts";
import { SolarArray } from "./solar-array.ts";
import { Weather } from "./weather.ts";

const dayMs = 86_400_000;
const stepMs = 600_000;

/** kWh of 1 kWp that looks to the equator, a day on average. */
function yieldPerDay(name: string, from: string, days: number, cover?: number): number {
  const place = places.find((each) => each.name === name) ?? places[0];
  const array = new SolarArray(
    { peakW: 1_000, tiltDeg: Math.abs(place.latitudeDeg) * 0.7, azimuthDeg: place.latitudeDeg >= 0 ? 180 : 0 },
    place.latitudeDeg,
    place.longitudeDeg,
  );
  const weather = new Weather(place, 1);
  const startMs = Date.parse(`${from}T00:00:00Z`);
  let sumW = 0;
  for (let timeMs = startMs; timeMs < startMs + days * dayMs; timeMs += stepMs) {
    sumW += array.availableW(timeMs, cover ?? weather.cloudCover(timeMs), weather.airC(timeMs));
  }
  return (sumW * (stepMs / 3_600_000)) / 1_000 / days;
}

describe("SolarArray", () => {
  // Yearly yields of optimally tilted systems, as PV atlases give them, with room for the simple sky.
  test.each([
    ["Uppsala", 880, 1_100],
    ["Graz", 1_100, 1_350],
    ["Seville", 1_600, 1_900],
    ["Jaipur", 1_550, 1_850],
    ["Perth", 1_600, 1_900],
    ["Nairobi", 1_450, 1_800],
  ])("yields in %s between %i and %i kWh a year and kWp", (name, low, high) => {
    const year = 365 * yieldPerDay(name, "2026-01-01", 365);
    expect(year).toBeGreaterThan(low);
    expect(year).toBeLessThan(high);
  });

  test("follows the seasons: Uppsala in June and December, Adelaide the other way round", () => {
    expect(yieldPerDay("Uppsala", "2026-06-01", 30)).toBeGreaterThan(4);
    expect(yieldPerDay("Uppsala", "2026-12-01", 31)).toBeLessThan(0.8);
    expect(yieldPerDay("Adelaide", "2026-12-01", 31)).toBeGreaterThan(1.6 * yieldPerDay("Adelaide", "2026-06-01", 30));
  });

  test("gives 5.5 to 8.5 kWh on a clear summer day and less than 2 under a closed sky", () => {
    expect(yieldPerDay("Munich", "2026-06-21", 1, 0)).toBeGreaterThan(5.5);
    expect(yieldPerDay("Munich", "2026-06-21", 1, 0)).toBeLessThan(8.5);
    expect(yieldPerDay("Munich", "2026-06-21", 1, 1)).toBeLessThan(2);
  });

  test("gives less when the panels are hot, and nothing at night", () => {
    const array = new SolarArray({ peakW: 1_000, tiltDeg: 20, azimuthDeg: 180 }, 26.912, 75.787);
    const noonMs = Date.parse("2026-04-10T07:00:00Z");
    const loss = 1 - array.availableW(noonMs, 0, 40) / array.availableW(noonMs, 0, 10);
    expect(loss).toBeGreaterThan(0.08);
    expect(loss).toBeLessThan(0.14);
    expect(array.availableW(noonMs + dayMs / 2, 0, 20)).toBe(0);
  });
});
