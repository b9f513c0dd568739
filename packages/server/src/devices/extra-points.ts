import { limits } from "@wattboard/protocol";

/** A point that a device has not sent for this long makes room for a new one. */
const keptMs = 60 * 60_000;

interface ExtraPoint {
  /** Tells it from the device's other points. */
  readonly number: number;
  seenAtMs: number;
}

/** The names of one device's points outside the catalogue: bounded, so that a device cannot grow its record for ever. */
export class ExtraPoints {
  readonly #points = new Map<string, ExtraPoint>();
  readonly #countMax: number;
  #made = 0;

  constructor(countMax: number = limits.extraPointsMax) {
    this.#countMax = countMax;
  }

  /**
   * Notes that these points were sent, all of them, and gives a number that tells this set of names from other sets; or none, and gives −1, where
   * they would be too many.
   */
  noteAll(names: readonly string[], nowMs: number): number {
    if (!this.#fit(names)) {
      this.#makeRoom(nowMs);
      if (!this.#fit(names)) return -1;
    }
    let set = 0;
    for (const name of names) set = (set + spreadBits(this.#note(name, nowMs))) & 0x3fff_ffff;
    return set;
  }

  /** Notes one; false where it would be one too many. */
  note(name: string, nowMs: number): boolean {
    return this.noteAll([name], nowMs) !== -1;
  }

  #note(name: string, nowMs: number): number {
    let point = this.#points.get(name);
    if (point === undefined) {
      point = { number: ++this.#made, seenAtMs: nowMs };
      this.#points.set(name, point);
    }
    point.seenAtMs = nowMs;
    return point.number;
  }

  #makeRoom(nowMs: number): void {
    for (const [name, { seenAtMs }] of this.#points) if (nowMs - seenAtMs > keptMs) this.#points.delete(name);
  }

  #fit(names: readonly string[]): boolean {
    let count = this.#points.size;
    for (const name of names) if (!this.#points.has(name)) count++;
    return count <= this.#countMax;
  }
}

/** Spreads small numbers over all bits, so that sums of different sets differ. */
function spreadBits(number: number): number {
  const spread = Math.imul(number, 0x9e37_79b1);
  return Math.imul(spread ^ (spread >>> 15), 0x85eb_ca6b) >>> 2;
}
