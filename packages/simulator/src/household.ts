import { householdProfile, type Occupancy } from "./household-profile.ts";
import { LocalClock } from "./local-clock.ts";
import { MeanReverting } from "./mean-reverting.ts";
import type { Random } from "./random.ts";

export interface HouseholdSpec {
  readonly occupancy: Occupancy;
  readonly timeZone: string;
  /** Router, standby, ventilation: day and night. */
  readonly baseW: number;
  /** Light and electronics when the building is at its liveliest. */
  readonly livelyW: number;
  /** Scales fridge and appliances: 1 for a family. */
  readonly applianceSize: number;
  /** Electric power per kelvin of air below 15 °C (heat pump); 0 without one. */
  readonly heatingWPerK: number;
  /** Electric power per kelvin of air above 25 °C (air conditioning); 0 without one. */
  readonly coolingWPerK: number;
}

interface ApplianceKind {
  readonly powerW: number;
  readonly minutes: readonly [number, number];
  /** Starts a day in a building of average liveliness. */
  readonly startsPerDay: number;
}

const appliances = {
  kettle: { powerW: 2_000, minutes: [2, 4], startsPerDay: 4 },
  stove: { powerW: 1_500, minutes: [12, 40], startsPerDay: 1.6 },
  microwave: { powerW: 1_100, minutes: [2, 6], startsPerDay: 2 },
  washingMachine: { powerW: 650, minutes: [60, 110], startsPerDay: 0.55 },
  dishwasher: { powerW: 800, minutes: [70, 110], startsPerDay: 0.6 },
  vacuum: { powerW: 900, minutes: [8, 20], startsPerDay: 0.3 },
} as const satisfies Record<string, ApplianceKind>;
const applianceKinds: readonly ApplianceKind[] = Object.values(appliances);

const fridgeW = 95;
const fridgeOnS = 14 * 60;
const fridgeOffS = 31 * 60;
/** The mean of the household curves; start rates are relative to it. */
const meanLiveliness = 0.4;

/** What a building draws: base load, fridge, light by the hour, appliances that people switch on, heating and cooling. */
export class Household {
  readonly #spec: HouseholdSpec;
  readonly #clock: LocalClock;
  readonly #random: Random;
  readonly #restlessness: MeanReverting;
  /** Seconds that each appliance still runs. */
  readonly #remainingS: Float64Array = new Float64Array(applianceKinds.length);
  #fridgeOn: boolean;
  #fridgeLeftS: number;

  constructor(spec: HouseholdSpec, random: Random) {
    this.#spec = spec;
    this.#clock = LocalClock.of(spec.timeZone);
    this.#random = random;
    this.#restlessness = new MeanReverting(0.25, 1_200, random);
    this.#fridgeOn = random.uniform() < fridgeOnS / (fridgeOnS + fridgeOffS);
    this.#fridgeLeftS = random.between(0, this.#fridgeOn ? fridgeOnS : fridgeOffS);
  }

  /** Mean power in the `dtS` seconds that end at `timeMs`; more than 0. */
  step(dtS: number, timeMs: number, airC: number): number {
    const { occupancy, baseW, livelyW, applianceSize, heatingWPerK, coolingWPerK } = this.#spec;
    const lively = householdProfile(occupancy, this.#clock.hourOfDay(timeMs), this.#clock.isWeekend(timeMs));
    const mood = Math.max(0.2, 1 + this.#restlessness.step(dtS, this.#random));
    const present = 0.5 + 0.5 * lively;
    return (
      baseW +
      livelyW * lively * mood +
      applianceSize * (this.#fridge(dtS) + this.#appliances(dtS, lively)) +
      heatingWPerK * Math.max(0, 15 - airC) * (0.9 + 0.1 * mood) +
      coolingWPerK * Math.max(0, airC - 25) * present * mood
    );
  }

  #fridge(dtS: number): number {
    let onS = 0;
    let leftS = dtS;
    while (leftS > 0) {
      const partS = Math.min(leftS, this.#fridgeLeftS);
      if (this.#fridgeOn) onS += partS;
      leftS -= partS;
      this.#fridgeLeftS -= partS;
      if (this.#fridgeLeftS <= 0) {
        this.#fridgeOn = !this.#fridgeOn;
        this.#fridgeLeftS = (this.#fridgeOn ? fridgeOnS : fridgeOffS) * this.#random.between(0.85, 1.15);
      }
    }
    return (fridgeW * onS) / dtS;
  }

  #appliances(dtS: number, lively: number): number {
    let energyWs = 0;
    for (const [at, kind] of applianceKinds.entries()) {
      let remainingS = this.#remainingS[at] ?? 0;
      if (remainingS <= 0) {
        const startsPerS = (kind.startsPerDay / 86_400) * (lively / meanLiveliness);
        if (!this.#random.happens(startsPerS, dtS)) continue;
        remainingS = 60 * this.#random.between(kind.minutes[0], kind.minutes[1]);
      }
      // A step longer than what is left of a run takes only the energy of that rest.
      const runsS = Math.min(dtS, remainingS);
      energyWs += kind.powerW * runsS;
      this.#remainingS[at] = remainingS - runsS;
    }
    return energyWs / dtS;
  }
}
