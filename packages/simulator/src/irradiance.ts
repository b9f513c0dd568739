import type { SunPosition } from "./sun-position.ts";

const radians = Math.PI / 180;
const albedo = 0.2;

/** A plane that looks at the sky. */
export interface Plane {
  /** 0 lies flat, 90 stands upright. */
  readonly tiltDeg: number;
  /** Where it looks, clockwise from north: 90 east, 180 south. */
  readonly azimuthDeg: number;
}

/** The plane's normal, and what share of sky and ground it sees: computed once, used at every step. */
export interface PlaneView {
  readonly east: number;
  readonly north: number;
  readonly up: number;
  readonly skyShare: number;
  readonly groundShare: number;
}

export function planeView(plane: Plane): PlaneView {
  const sinTilt = Math.sin(plane.tiltDeg * radians);
  const cosTilt = Math.cos(plane.tiltDeg * radians);
  return {
    east: sinTilt * Math.sin(plane.azimuthDeg * radians),
    north: sinTilt * Math.cos(plane.azimuthDeg * radians),
    up: cosTilt,
    skyShare: (1 + cosTilt) / 2,
    groundShare: (1 - cosTilt) / 2,
  };
}

/**
 * Watts per square metre on a plane under a sky with `cloudCover` from 0 (clear) to 1 (overcast).
 * The clear beam is Meinel's, 1353 · 0.7^(AM^0.678), with Kasten and Young's air mass, and a tenth of it comes as clear-sky
 * diffuse light. Clouds follow Kasten and Czeplak, global = clear · (1 − 0.75 · cover^3.4): they take the beam away and give
 * part of it back as diffuse light, which is taken as even over the sky.
 */
export function planeIrradiance(sun: SunPosition, view: PlaneView, cloudCover: number): number {
  if (sun.up <= 0) return 0;
  const elevation = Math.asin(sun.up) / radians;
  const airMass = 1 / (sun.up + 0.50572 * (elevation + 6.07995) ** -1.6364);
  const clearBeam = 1353 * 0.7 ** (airMass ** 0.678);
  const clearHorizontal = clearBeam * (sun.up + 0.1);

  const horizontal = clearHorizontal * (1 - 0.75 * cloudCover ** 3.4);
  const beam = clearBeam * (1 - cloudCover) ** 1.5;
  const diffuse = Math.max(0, horizontal - beam * sun.up);

  const cosIncidence = Math.max(0, sun.east * view.east + sun.north * view.north + sun.up * view.up);
  return beam * cosIncidence + diffuse * view.skyShare + horizontal * albedo * view.groundShare;
}
