import type { Random } from "./random.ts";

/** What the plant watches over, as it was at the last step. */
export interface Vitals {
  batteryC: number;
  /** Grid voltage as a share of the nominal one. */
  voltageShare: number;
}

/** Each fault: when it trips, and as long as it `lingers` it cannot be reset. */
const watches = {
  OVERHEAT: {
    trips: (vitals: Vitals) => vitals.batteryC > 58,
    lingers: (vitals: Vitals) => vitals.batteryC > 45,
    because: "the battery is still above 45 °C",
  },
  GRID_OVERVOLTAGE: {
    trips: (vitals: Vitals) => vitals.voltageShare > 1.1,
    lingers: (vitals: Vitals) => vitals.voltageShare > 1.08,
    because: "the grid's voltage is still more than 8 % too high",
  },
  BMS_COMMUNICATION: {
    trips: (_vitals: Vitals, bmsSilentS: number) => bmsSilentS > 0,
    lingers: (_vitals: Vitals, bmsSilentS: number) => bmsSilentS > 0,
    because: "the battery management system still does not answer",
  },
} as const;
export type FaultFlag = keyof typeof watches;
const flags = Object.keys(watches) as [FaultFlag, ...FaultFlag[]];

/** A loose contact heats only under load, as it does in real life: an idle battery with this fault stays cool. */
const looseContactFactor = 12;
const dayS = 86_400;

/**
 * Rare mishaps and what they do. A mishap is a cause (a loose contact, a swell of the grid, a silent BMS); the error flag follows
 * when the plant's own watch trips on it, and stays until it is reset. Where nobody resets it, somebody on site does after
 * 2 to 12 hours, so that a fleet that runs for weeks is not all in ERROR.
 */
export class Faults {
  readonly active: Set<FaultFlag> = new Set();
  readonly #perS: number;
  readonly #random: Random;
  #contactLoose = false;
  #swell = 0;
  #swellLeftS = 0;
  #bmsSilentS = 0;
  #serviceInS = 0;

  constructor(faultsPerDay: number, random: Random) {
    this.#perS = faultsPerDay / dayS;
    this.#random = random;
  }

  /** Multiplies the battery's internal resistance. */
  get resistanceFactor(): number {
    return this.#contactLoose ? looseContactFactor : 1;
  }

  /** Added to the grid's voltage, as a share of the nominal one. */
  get swell(): number {
    return this.#swellLeftS > 0 ? this.#swell : 0;
  }

  step(dtS: number, vitals: Vitals): void {
    this.#swellLeftS = Math.max(0, this.#swellLeftS - dtS);
    this.#bmsSilentS = Math.max(0, this.#bmsSilentS - dtS);
    if (this.#random.happens(this.#perS, dtS)) this.#strike(this.#random.pick(flags));

    for (const flag of flags) {
      if (this.active.has(flag) || !watches[flag].trips(vitals, this.#bmsSilentS)) continue;
      if (this.active.size === 0) this.#serviceInS = this.#random.between(2, 12) * 3_600;
      this.active.add(flag);
    }
    if (this.active.size === 0) return;
    this.#serviceInS -= dtS;
    if (this.#serviceInS <= 0) this.reset(vitals);
  }

  /** Clears what can be cleared. Says in words what could not, or null when all is well again. */
  reset(vitals: Vitals): string | null {
    const reasons: string[] = [];
    for (const flag of this.active) {
      const { lingers, because } = watches[flag];
      if (lingers(vitals, this.#bmsSilentS)) {
        reasons.push(`${flag}: ${because}`);
        continue;
      }
      this.active.delete(flag);
      // The inspection before a reset finds the loose contact.
      if (flag === "OVERHEAT") this.#contactLoose = false;
    }
    return reasons.length === 0 ? null : reasons.join("; ");
  }

  #strike(flag: FaultFlag): void {
    switch (flag) {
      case "OVERHEAT":
        this.#contactLoose = true;
        break;
      case "GRID_OVERVOLTAGE":
        this.#swell = this.#random.between(0.12, 0.16);
        this.#swellLeftS = 60 * this.#random.between(5, 20);
        break;
      case "BMS_COMMUNICATION":
        this.#bmsSilentS = 60 * this.#random.between(3, 30);
        break;
    }
  }
}
