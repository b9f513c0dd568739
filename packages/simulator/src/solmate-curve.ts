import type { Random } from "./random.ts";

/** How the values of an emulated SolMate move: at will, up a line and from 0 again, or up and down a sine curve. */
export const solMateBehaviours = ["random", "linear", "sine"] as const;
export type SolMateBehaviour = (typeof solMateBehaviours)[number];

/** Steps from 0 up to the maximum on a line, and of one whole sine. */
const sweepSteps = 100;

/**
 * One value in 0 … `valueMax`, which begins anywhere. Random values are whole numbers and may come twice. The curves are strictly monotonic:
 * the line rises until it begins anew at 0 behind the maximum, the sine until it turns at the maximum, and back until it turns at 0.
 */
export class SolMateCurve {
  readonly #behaviour: SolMateBehaviour;
  readonly #valueMax: number;
  readonly #random: Random;
  /** On steps instead of in radians, a sine meets its turning points exactly: no two neighbours are ever equal. */
  #step: number;
  value: number;

  constructor(behaviour: SolMateBehaviour, valueMax: number, random: Random) {
    this.#behaviour = behaviour;
    this.#valueMax = valueMax;
    this.#random = random;
    this.#step = Math.floor(random.between(0, sweepSteps));
    this.value = this.#here();
  }

  /** Moves on, and gives the new value. */
  next(): number {
    const steps = this.#behaviour === "linear" ? sweepSteps + 1 : sweepSteps;
    this.#step = (this.#step + 1) % steps;
    this.value = this.#here();
    return this.value;
  }

  #here(): number {
    switch (this.#behaviour) {
      case "random":
        return Math.floor(this.#random.between(0, this.#valueMax + 1));
      case "linear":
        return roundedValue((this.#valueMax * this.#step) / sweepSteps);
      case "sine":
        return roundedValue((this.#valueMax * (1 + Math.sin((2 * Math.PI * this.#step) / sweepSteps))) / 2);
    }
  }
}

/** To four places: fewer would make neighbours at the crest of a small sine equal. */
function roundedValue(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
