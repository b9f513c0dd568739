import { MeanReverting } from "./mean-reverting.ts";
import type { GridSpec } from "./place.ts";
import { hashText, type Random } from "./random.ts";
import { timeNoise } from "./time-noise.ts";

/** Share of the nominal voltage by which a connection's full power lifts or sags it. */
const sagAtFullPower = 0.025;

/**
 * The grid at a house's door. The frequency belongs to the synchronous area, so all its houses see the same; the voltage is the
 * street's, and moves with what the house itself draws or sells.
 */
export class Grid {
  voltageV: number;
  frequencyHz: number;
  readonly #spec: GridSpec;
  readonly #fullPowerW: number;
  readonly #areaSeed: number;
  readonly #random: Random;
  readonly #street: MeanReverting;
  readonly #flicker: MeanReverting;

  constructor(spec: GridSpec, fullPowerW: number, seed: number, random: Random) {
    this.#spec = spec;
    this.#fullPowerW = fullPowerW;
    this.#areaSeed = hashText(`${seed}/${spec.area}`);
    this.#random = random;
    this.#street = new MeanReverting(0.011 * spec.nominalV, 400, random);
    this.#flicker = new MeanReverting(0.0018 * spec.nominalV, 4, random);
    this.voltageV = spec.nominalV;
    this.frequencyHz = spec.nominalHz;
  }

  /** Voltage as a share of the nominal one. */
  get voltageShare(): number {
    return this.voltageV / this.#spec.nominalV;
  }

  /** `importW`: + imports. `swell`: share of the nominal voltage added by a fault in the street. */
  step(dtS: number, timeMs: number, importW: number, swell: number): void {
    const { nominalV, nominalHz, deviationHz } = this.#spec;
    const sag = sagAtFullPower * (importW / this.#fullPowerW) - swell;
    this.voltageV = nominalV * (1 - sag) + this.#street.step(dtS, this.#random) + this.#flicker.step(dtS, this.#random);

    const timeS = timeMs / 1_000;
    const slow = timeNoise(this.#areaSeed, 480, timeS);
    const swing = timeNoise(this.#areaSeed + 1, 45, timeS);
    const fast = timeNoise(this.#areaSeed + 2, 4, timeS);
    this.frequencyHz = nominalHz + deviationHz * (1.6 * slow + 1.1 * swing + 0.25 * fast);
  }
}
