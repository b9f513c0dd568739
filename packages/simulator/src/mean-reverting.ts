import type { Random } from "./random.ts";

/**
 * A value that wanders and is drawn back to zero: an Ornstein–Uhlenbeck process in its exact discrete form, so that its spread is
 * the same whether it is stepped by the second or by the minute.
 */
export class MeanReverting {
  value: number;
  readonly #deviation: number;
  readonly #timeConstantS: number;
  // The factors of the last step's length: a plant nearly always takes steps of one length.
  #dtS = -1;
  #keep = 0;
  #kick = 0;

  constructor(deviation: number, timeConstantS: number, random: Random) {
    this.#deviation = deviation;
    this.#timeConstantS = timeConstantS;
    this.value = deviation * random.normal();
  }

  step(dtS: number, random: Random): number {
    if (dtS !== this.#dtS) {
      this.#dtS = dtS;
      this.#keep = Math.exp(-dtS / this.#timeConstantS);
      this.#kick = this.#deviation * Math.sqrt(1 - this.#keep * this.#keep);
    }
    this.value = this.value * this.#keep + this.#kick * random.normal();
    return this.value;
  }
}
