import { describe, expect, test } from "vitest";
import { azimuthDeg, elevationDeg, sunPosition } from "./sun-position.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

function path(date: string, latitudeDeg: number, longitudeDeg: number) {
  const startMs = Date.parse(`${date}T00:00:00Z`);
  return Array.from({ length: dayMs / minuteMs }, (_, minute) => {
    const timeMs = startMs + minute * minuteMs;
    const sun = sunPosition(timeMs, latitudeDeg, longitudeDeg);
    return { timeMs, elevation: elevationDeg(sun), azimuth: azimuthDeg(sun) };
  });
}

function noon(date: string, latitudeDeg: number, longitudeDeg: number) {
  return path(date, latitudeDeg, longitudeDeg).reduce((best, each) => (each.elevation > best.elevation ? each : best));
}

describe("sunPosition", () => {
  // The worked example of Reda and Andreas, "Solar Position Algorithm for Solar Radiation Applications" (NREL/TP-560-34302), without refraction.
  test("agrees with the example of NREL's SPA", () => {
    const sun = sunPosition(Date.parse("2003-10-17T19:30:30Z"), 39.742476, -105.1786);
    expect(Math.abs(elevationDeg(sun) - 39.872)).toBeLessThan(0.02);
    expect(Math.abs(azimuthDeg(sun) - 194.34)).toBeLessThan(0.02);
  });

  // At solar noon the elevation is 90° − |latitude − declination|, and the declination is 0° and ±23.44° on these days.
  test.each([
    ["Uppsala", "2026-03-20", 59.858, 17.644, 30.14],
    ["Uppsala", "2026-06-21", 59.858, 17.644, 53.58],
    ["Uppsala", "2026-12-21", 59.858, 17.644, 6.7],
    ["Jaipur", "2026-06-21", 26.912, 75.787, 86.53],
    ["Jaipur", "2026-12-21", 26.912, 75.787, 39.65],
    ["Nairobi", "2026-09-23", -1.286, 36.817, 88.71],
    ["Perth", "2026-12-21", -31.951, 115.861, 81.49],
  ])("stands right at noon in %s on %s", (_place, date, latitudeDeg, longitudeDeg, elevation) => {
    expect(Math.abs(noon(date, latitudeDeg, longitudeDeg).elevation - elevation)).toBeLessThan(0.5);
  });

  test("stands in the south at a northern noon and in the north at a southern one", () => {
    expect(Math.abs(noon("2026-03-20", 59.858, 17.644).azimuth - 180)).toBeLessThan(1);
    const south = noon("2026-06-21", -31.951, 115.861).azimuth;
    expect(Math.min(south, 360 - south)).toBeLessThan(1);
  });

  test("has its noon when the equation of time says so", () => {
    // Greenwich: 16.4 minutes before 12 on 3 November, 14.2 minutes after it on 11 February.
    const minutesAfter12 = (date: string) => (noon(date, 51.48, 0).timeMs - Date.parse(`${date}T12:00:00Z`)) / minuteMs;
    expect(Math.abs(minutesAfter12("2026-11-03") + 16.4)).toBeLessThan(1.5);
    expect(Math.abs(minutesAfter12("2026-02-11") - 14.2)).toBeLessThan(1.5);
  });

  // cos(azimuth) = sin(declination) / cos(latitude) where the centre of the sun crosses the horizon.
  test.each([
    ["Jaipur at the equinox", "2026-03-20", 26.912, 75.787, 90],
    ["Uppsala in June", "2026-06-21", 59.858, 17.644, 37.6],
    ["Uppsala in December", "2026-12-21", 59.858, 17.644, 142.4],
  ])("rises in the right direction: %s", (_where, date, latitudeDeg, longitudeDeg, azimuth) => {
    const day = path(date, latitudeDeg, longitudeDeg);
    const rise = day.find(({ elevation }, at) => elevation > 0 && (day[at - 1]?.elevation ?? 1) <= 0);
    expect(Math.abs((rise?.azimuth ?? 0) - azimuth)).toBeLessThan(1);
  });

  test("does not set in Kiruna in June, nor rise in December", () => {
    expect(path("2026-06-21", 67.856, 20.225).every(({ elevation }) => elevation > 0)).toBe(true);
    expect(path("2026-12-21", 67.856, 20.225).every(({ elevation }) => elevation < 0.5)).toBe(true);
  });
});
