import { describe, expect, test } from "vitest";
import { planeIrradiance, planeView } from "./irradiance.ts";

const radians = Math.PI / 180;
const flat = planeView({ tiltDeg: 0, azimuthDeg: 180 });

function sunAt(elevationDeg: number, azimuthDeg: number) {
  const across = Math.cos(elevationDeg * radians);
  return {
    east: across * Math.sin(azimuthDeg * radians),
    north: across * Math.cos(azimuthDeg * radians),
    up: Math.sin(elevationDeg * radians),
  };
}

describe("planeIrradiance", () => {
  test("gives about a kilowatt under a clear zenith sun, 0.7 at 45°, and nothing at night", () => {
    expect(planeIrradiance(sunAt(90, 180), flat, 0)).toBeGreaterThan(950);
    expect(planeIrradiance(sunAt(90, 180), flat, 0)).toBeLessThan(1_080);
    expect(planeIrradiance(sunAt(45, 180), flat, 0)).toBeGreaterThan(620);
    expect(planeIrradiance(sunAt(45, 180), flat, 0)).toBeLessThan(760);
    expect(planeIrradiance(sunAt(0.01, 180), flat, 0)).toBeLessThan(5);
    expect(planeIrradiance(sunAt(-1, 180), flat, 0)).toBe(0);
  });

  test("keeps a quarter of the light under a closed sky", () => {
    const sun = sunAt(60, 180);
    expect(planeIrradiance(sun, flat, 1) / planeIrradiance(sun, flat, 0)).toBeCloseTo(0.25, 2);
  });

  test("falls with every cloud", () => {
    const sun = sunAt(30, 150);
    const roof = planeView({ tiltDeg: 40, azimuthDeg: 180 });
    const at = (twentieths: number) => planeIrradiance(sun, roof, twentieths / 20);
    for (let cover = 0; cover < 20; cover++) expect(at(cover + 1)).toBeLessThan(at(cover));
  });

  test("favours the plane that faces the sun", () => {
    const morning = sunAt(20, 90);
    const east = planeView({ tiltDeg: 45, azimuthDeg: 90 });
    const west = planeView({ tiltDeg: 45, azimuthDeg: 270 });
    expect(planeIrradiance(morning, east, 0)).toBeGreaterThan(4 * planeIrradiance(morning, west, 0));
    // With all the beam taken by clouds the two see the same.
    expect(planeIrradiance(morning, east, 1)).toBeCloseTo(planeIrradiance(morning, west, 1), 6);
  });
});
