import { pointSpec } from "@wattboard/protocol";

/** Values that could not be percent, as they are counted; more make no difference. */
const beyondMax = 64;
/** So many values in a row that could be percent stand against each one that could not. */
const withinForEach = 4;

/**
 * What unit a SolMate's `battery` is of, told by several of its values: percent, as the documents say, or another, as some firmware sends. One value
 * that can be no percentage makes the next few doubtful, and many make many so: a battery that is often at 350 is not at 80 % when it is at 80.
 */
export class BatteryUnit {
  #beyondCount = 0;
  #withinRun = 0;

  /** It was another unit when the device was last here. */
  doubt(): void {
    this.#beyondCount = Math.max(1, this.#beyondCount);
  }

  note(value: number): void {
    const [minimum = 0, maximum = 100] = pointSpec("battery.soc")?.believed ?? [];
    if (value < minimum || value > maximum) {
      this.#beyondCount = Math.min(beyondMax, this.#beyondCount + 1);
      this.#withinRun = 0;
    } else if (this.#beyondCount > 0 && ++this.#withinRun >= withinForEach * this.#beyondCount) this.#beyondCount = 0;
  }

  get isPercent(): boolean {
    return this.#beyondCount === 0;
  }
}
