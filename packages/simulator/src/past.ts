import type { Sample } from "@wattboard/device";
import type { Command } from "@wattboard/protocol";
import type { PlannedDevice } from "./planned-device.ts";
import { Plant, type PlantStart } from "./plant.ts";

/** A part of the past with a sample every `stepS` seconds. */
export interface PastEra {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepS: number;
}

export interface PastOptions {
  readonly seed: number;
  /** Where the past ends and the present begins, ms since 1970 UTC. */
  readonly untilMs: number;
  readonly days: number;
  /**
   * Seconds between samples: in the last two days, in the week before now, and in all before. A sample holds the mean powers of its step, so that
   * sums are right with any.
   */
  readonly steps: { readonly recentS: number; readonly weekS: number; readonly olderS: number };
  /** Spans in which the device was away: it lived on, and sent nothing. */
  readonly away?: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** What it was told, in the order of time. */
  readonly orders?: readonly { readonly atMs: number; readonly command: Command }[];
}

export interface PastSample {
  readonly timeMs: number;
  readonly sample: Sample;
}

const dayMs = 86_400_000;
/**
 * What a device would have sent in the days before the present. The same options give the same past, and each of its parts can be had by itself:
 * what lies before it is lived through without telling, which costs a fraction.
 */
export class Past {
  /** Newest first. */
  readonly eras: readonly PastEra[];
  readonly #planned: PlannedDevice;
  readonly #options: PastOptions;

  constructor(planned: PlannedDevice, options: PastOptions) {
    this.#planned = planned;
    this.#options = options;
    this.eras = erasOf(options).reverse();
  }

  /** How a plant stands at the end, so that the present can go on from there. */
  end(): PlantStart {
    const life = this.#begin();
    for (const era of this.eras.toReversed()) for (const _ of life.through(era));
    const { battery } = life.plant;
    return { soc: battery.soc, batteryC: battery.temperatureC };
  }

  /** The samples of one era, oldest first. */
  *samples(wanted: PastEra): Generator<PastSample> {
    const { away = [] } = this.#options;
    const life = this.#begin();
    for (const era of this.eras.toReversed()) {
      for (const _ of life.through(era)) {
        if (era !== wanted) continue;
        const { timeMs } = life.plant;
        if (!away.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs)) {
          yield { timeMs, sample: life.plant.telemetry() };
        }
      }
      if (era === wanted) return;
    }
  }

  /** A plant has lived through its first second when it is made. */
  #begin(): Life {
    const { seed, untilMs, days, orders = [] } = this.#options;
    return new Life(new Plant(this.#planned, { seed, startMs: untilMs - days * dayMs - 1_000 }), orders);
  }
}

/** How many samples an era has, but for what an absence leaves out. */
export function samplesIn({ fromMs, toMs, stepS }: PastEra): number {
  return Math.floor((toMs - fromMs) / (stepS * 1_000));
}

class Life {
  readonly plant: Plant;
  readonly #orders: NonNullable<PastOptions["orders"]>;
  #obeyed = 0;

  constructor(plant: Plant, orders: NonNullable<PastOptions["orders"]>) {
    this.plant = plant;
    this.#orders = orders;
  }

  /** Lives through an era, a step at a time. */
  *through({ toMs, stepS }: PastEra): Generator<void> {
    const { plant } = this;
    while (plant.timeMs + stepS * 1_000 <= toMs) {
      for (let next = this.#orders[this.#obeyed]; next !== undefined && next.atMs <= plant.timeMs; ) {
        plant.apply(next.command);
        next = this.#orders[++this.#obeyed];
      }
      plant.step(stepS);
      yield;
    }
  }
}

/** Oldest first. The last day is an era of its own, as it is the first that is wanted. */
function erasOf({ untilMs, days, steps }: PastOptions): PastEra[] {
  const eras: PastEra[] = [];
  let daysAgo = days;
  for (const [untilDaysAgo, stepS] of [
    [7, steps.olderS],
    [2, steps.weekS],
    [1, steps.recentS],
    [0, steps.recentS],
  ] as const) {
    if (untilDaysAgo >= daysAgo) continue;
    eras.push({ fromMs: untilMs - daysAgo * dayMs, toMs: untilMs - untilDaysAgo * dayMs, stepS });
    daysAgo = untilDaysAgo;
  }
  return eras;
}
