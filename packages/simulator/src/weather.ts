import { clamp01 } from "./battery.ts";
import type { Place } from "./place.ts";
import { hashText } from "./random.ts";
import { timeNoise } from "./time-noise.ts";

const dayS = 86_400;
const yearS = 365.2425 * dayS;
const midJanuaryS = 15 * dayS;

/**
 * Clouds and air temperature of a place as functions of time. All devices of one seed at one place live under the same sky,
 * and no step size changes it.
 */
export class Weather {
  readonly #climate: Place["climate"];
  readonly #solarOffsetS: number;
  readonly #frontSeed: number;
  readonly #daySeed: number;
  readonly #cloudSeed: number;
  readonly #airSeed: number;

  constructor(place: Place, seed: number) {
    this.#climate = place.climate;
    this.#solarOffsetS = (place.longitudeDeg / 360) * dayS;
    const sky = `${seed}/${place.name}`;
    this.#frontSeed = hashText(`${sky}/front`);
    this.#daySeed = hashText(`${sky}/day`);
    this.#cloudSeed = hashText(`${sky}/cloud`);
    this.#airSeed = hashText(`${sky}/air`);
  }

  /**
   * Cloud cover between the sun and the place, 0 to 1: fronts that pass in days, changes within a day, and single clouds that
   * pass in minutes. Single clouds matter where the sky is neither clear nor closed.
   */
  cloudCover(timeMs: number): number {
    const timeS = timeMs / 1_000;
    const { januaryCover, julyCover } = this.#climate;
    const mean = julyCover + (januaryCover - julyCover) * winterShare(timeS);
    const fronts = timeNoise(this.#frontSeed, 1.3 * dayS, timeS);
    const hours = timeNoise(this.#daySeed, 2.5 * 3_600, timeS);
    const base = clamp01(mean + 0.55 * fronts + 0.25 * hours);
    const broken = 4 * base * (1 - base);
    const clouds = timeNoise(this.#cloudSeed, 420, timeS) + 0.4 * timeNoise(this.#cloudSeed + 1, 70, timeS);
    return clamp01(base + 0.38 * broken * clouds);
  }

  /** °C in the shade: the season, the day with its warmest hour at 15 h solar time, and the weather of the week. */
  airC(timeMs: number): number {
    const timeS = timeMs / 1_000;
    const { januaryC, julyC } = this.#climate;
    const season = julyC + (januaryC - julyC) * winterShare(timeS);
    const solarDay = (timeS + this.#solarOffsetS) / dayS;
    const day = 4.5 * Math.cos(2 * Math.PI * (solarDay - 15 / 24));
    return season + day + 4 * timeNoise(this.#airSeed, 2.1 * dayS, timeS);
  }
}

/** 1 in the middle of January, 0 in the middle of July. */
function winterShare(timeS: number): number {
  return 0.5 + 0.5 * Math.cos((2 * Math.PI * (timeS - midJanuaryS)) / yearS);
}
