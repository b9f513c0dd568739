const radians = Math.PI / 180;
const j2000Ms = Date.UTC(2000, 0, 1, 12);

/** Where the sun stands as a unit vector in the observer's frame. Below the horizon `up` is negative. */
export interface SunPosition {
  readonly east: number;
  readonly north: number;
  readonly up: number;
}

/**
 * The sun's direction by the low-precision formulas of the Astronomical Almanac: within 0.01° from 1950 to 2050, without
 * refraction. A vector, because a tilted plane needs a dot product and not two angles.
 */
export function sunPosition(timeMs: number, latitudeDeg: number, longitudeDeg: number): SunPosition {
  const days = (timeMs - j2000Ms) / 86_400_000;
  const meanLongitude = (280.46 + 0.9856474 * days) * radians;
  const meanAnomaly = (357.528 + 0.9856003 * days) * radians;
  const eclipticLongitude =
    meanLongitude + (1.915 * Math.sin(meanAnomaly) + 0.02 * Math.sin(2 * meanAnomaly)) * radians;
  const obliquity = (23.439 - 0.0000004 * days) * radians;

  const sinLongitude = Math.sin(eclipticLongitude);
  const rightAscension = Math.atan2(Math.cos(obliquity) * sinLongitude, Math.cos(eclipticLongitude));
  const sinDeclination = Math.sin(obliquity) * sinLongitude;
  const cosDeclination = Math.sqrt(1 - sinDeclination * sinDeclination);
  // Greenwich mean sidereal time, which counts from the same noon.
  const siderealDeg = 280.46062 + 360.98564737 * days;
  const hourAngle = (siderealDeg + longitudeDeg) * radians - rightAscension;

  const sinLatitude = Math.sin(latitudeDeg * radians);
  const cosLatitude = Math.cos(latitudeDeg * radians);
  const towardsNoon = cosDeclination * Math.cos(hourAngle);
  return {
    east: -cosDeclination * Math.sin(hourAngle),
    north: cosLatitude * sinDeclination - sinLatitude * towardsNoon,
    up: sinLatitude * sinDeclination + cosLatitude * towardsNoon,
  };
}

/** Degrees above the horizon. */
export function elevationDeg(sun: SunPosition): number {
  return Math.asin(sun.up) / radians;
}

/** Degrees clockwise from north: 90 is east, 180 south. */
export function azimuthDeg(sun: SunPosition): number {
  return (Math.atan2(sun.east, sun.north) / radians + 360) % 360;
}
