import { type Plane, type PlaneView, planeIrradiance, planeView } from "./irradiance.ts";
import { type SunPosition, sunPosition } from "./sun-position.ts";

/** Panels of one roof, or of one balcony. */
export interface SolarArraySpec extends Plane {
  /** DC power at 1,000 W/m² and 25 °C of the cells: what "kWp" means. */
  readonly peakW: number;
}

/** Cable, dirt, mismatch and MPP tracking. */
const derating = 0.92;
/** Kelvin that cells are warmer than the air, per W/m²: Ross's coefficient of a ventilated roof. */
const cellHeating = 0.028;
/** Crystalline silicon loses this share a kelvin. */
const powerPerKelvin = -0.0037;

/** The direct current that the panels could give; the inverter decides whether it takes all of it. */
export class SolarArray {
  readonly #peakW: number;
  readonly #view: PlaneView;
  readonly #latitudeDeg: number;
  readonly #longitudeDeg: number;

  constructor(spec: SolarArraySpec, latitudeDeg: number, longitudeDeg: number) {
    this.#peakW = spec.peakW;
    this.#view = planeView(spec);
    this.#latitudeDeg = latitudeDeg;
    this.#longitudeDeg = longitudeDeg;
  }

  /** W, at least 0. */
  availableW(timeMs: number, cloudCover: number, airC: number): number {
    const sun: SunPosition = sunPosition(timeMs, this.#latitudeDeg, this.#longitudeDeg);
    const irradiance = planeIrradiance(sun, this.#view, cloudCover);
    if (irradiance === 0) return 0;
    const cellC = airC + cellHeating * irradiance;
    return this.#peakW * (irradiance / 1_000) * (1 + powerPerKelvin * (cellC - 25)) * derating;
  }
}
