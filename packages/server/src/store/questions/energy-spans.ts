import { addEnergy, type Energy, energyBetween, noEnergy, type PowerPoint } from "../algebra/energy.ts";
import { windowFrom, windowMs, windowOf } from "../algebra/window.ts";
import type { WindowSummary } from "../algebra/window-summary.ts";
import type { EnergyQuery, EnergySpan } from "../store.ts";

/** What energy is made of in one window. */
export type EnergyWindow = Pick<WindowSummary, "window" | "count" | "periodMs" | "energy" | "firstPower" | "lastPower">;

/** Adds windows up to the spans of a question about energy. */
export class EnergySpans {
  readonly #spans: { readonly fromMs: number; readonly toMs: number; energy: Energy; coveredMs: number }[];
  /** The first window that counts. */
  readonly #ownWindow: number;
  /** Where the last window ended. */
  #before: PowerPoint | undefined;
  #place = 0;

  constructor({ registration, edgesMs }: EnergyQuery) {
    this.#spans = edgesMs.slice(1).map((toMs, at) => {
      return { fromMs: edgesMs[at] as number, toMs, energy: noEnergy, coveredMs: 0 };
    });
    this.#ownWindow = Math.max(windowOf(edgesMs[0] ?? 0), windowFrom(registration.fromMs));
  }

  /** The first window that is to be added: one more at the front, since the way from its last sample to the next one belongs to the span of the later. */
  get fromWindow(): number {
    return this.#ownWindow - 1;
  }

  /** The window behind the last one. */
  get toWindow(): number {
    return windowOf((this.#spans.at(-1)?.toMs ?? 0) - 1) + 1;
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /** Windows come in their order. */
  add({ window, count, periodMs, energy, firstPower, lastPower }: EnergyWindow): void {
    const startMs = window * windowMs;
    while ((this.#spans[this.#place]?.toMs ?? Number.POSITIVE_INFINITY) <= startMs) this.#place++;
    const span = this.#spans[this.#place];
    if (span !== undefined && window >= this.#ownWindow && startMs >= span.fromMs) {
      const between = this.#before === undefined ? noEnergy : energyBetween(this.#before, firstPower);
      span.energy = addEnergy(addEnergy(span.energy, energy), between);
      span.coveredMs += Math.min(windowMs, count * periodMs);
    }
    this.#before = lastPower;
  }

  finish(): EnergySpan[] {
    return this.#spans.map(({ fromMs, toMs, energy, coveredMs }) => ({
      fromMs,
      toMs,
      energy,
      coverage: Math.min(1, coveredMs / (toMs - fromMs)),
    }));
  }
}
