/** Counts off evenly spaced slots: with 1,000 devices at 1 Hz, a slot a millisecond. */
export class Pacer {
  readonly #perMs: number;
  #taken = 0;

  constructor(perSecond: number) {
    this.#perMs = perSecond / 1_000;
  }

  /** The next slot's number, from 0. */
  get next(): number {
    return this.#taken;
  }

  /** How many slots have come due and were not taken. */
  due(elapsedMs: number): number {
    return Math.max(0, Math.floor(elapsedMs * this.#perMs) - this.#taken);
  }

  /** Takes `slots` slots and returns the number of the first. */
  take(slots: number): number {
    const first = this.#taken;
    this.#taken += slots;
    return first;
  }
}
