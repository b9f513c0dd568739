import { addEnergy, type Energy, energyBetween, noEnergy, powerBetween } from "../algebra/energy.ts";
import type { StepLimits } from "../algebra/steps.ts";
import { windowMs, windowOf } from "../algebra/window.ts";
import type { CoverageSpans, EnergyHistory, EnergyQuery } from "../store.ts";
import type { Work } from "../work.ts";
import { coverageBetween } from "./coverage.ts";
import type { EnergyWindow, WindowReader } from "./window-reader.ts";

/** The energy in each of the spans between the edges. */
export function* readEnergy(reader: WindowReader, query: EnergyQuery): Work<EnergyHistory> {
  const { edgesMs } = query;
  if (edgesMs.length < 2) return { spans: [], total: { coveredMs: 0, expectedMs: 0, expectedFromMs: null, gaps: [] } };
  const energy = new EnergySpans(edgesMs);
  const coverage = yield* coverageBetween(reader, query, windowMs, edgesMs, (...window) => energy.add(...window));
  return energy.withCoverage(coverage);
}

/** Sums the energy of covered steps in the spans between edges, which are multiples of 15 minutes. Takes the windows in the order of time. */
class EnergySpans {
  readonly #edgesMs: readonly number[];
  readonly #energies: Energy[];
  #span = 0;

  constructor(edgesMs: readonly number[]) {
    this.#edgesMs = edgesMs;
    this.#energies = new Array<Energy>(edgesMs.length - 1).fill(noEnergy);
  }

  add(summary: EnergyWindow, { withinMs, intoMs }: StepLimits, before: EnergyWindow | undefined): void {
    if (before !== undefined && summary.firstMs - before.lastMs <= intoMs) this.#addStep(before, summary);
    let { energy } = summary;
    for (const step of summary.longSteps) {
      if (step.toMs - step.fromMs <= withinMs) energy = addEnergy(energy, step.energy);
    }
    this.#addTo(summary.window, energy);
  }

  withCoverage({ coveredMs, expectedMs, total }: CoverageSpans): EnergyHistory {
    const spans = this.#energies.map((energy, at) => ({
      fromMs: this.#edgesMs[at] as number,
      toMs: this.#edgesMs[at + 1] as number,
      energy,
      coveredMs: coveredMs[at] as number,
      expectedMs: expectedMs[at] as number,
    }));
    return { spans, total };
  }

  /** In each of the windows that it leads through what lies there, so that hours add up to the day. */
  #addStep({ lastPower }: EnergyWindow, { firstPower }: EnergyWindow): void {
    const last = windowOf(firstPower.atMs);
    let from = lastPower;
    for (let window = windowOf(from.atMs); window <= last; window++) {
      const endMs = (window + 1) * windowMs;
      const to = endMs < firstPower.atMs ? powerBetween(lastPower, firstPower, endMs) : firstPower;
      this.#addTo(window, energyBetween(from, to));
      if (to === firstPower) return;
      from = to;
    }
  }

  #addTo(window: number, energy: Energy): void {
    const atMs = window * windowMs;
    const last = this.#energies.length - 1;
    // A step begins before the window that it was added with.
    while (this.#span > 0 && (this.#edgesMs[this.#span] as number) > atMs) this.#span--;
    while (this.#span < last && (this.#edgesMs[this.#span + 1] as number) <= atMs) this.#span++;
    if (atMs < (this.#edgesMs[this.#span] as number) || atMs >= (this.#edgesMs[this.#span + 1] as number)) return;
    this.#energies[this.#span] = addEnergy(this.#energies[this.#span] as Energy, energy);
  }
}
