import type { Energy } from "./energy.ts";
import { windowMs, windowsPerDay } from "./window.ts";

/** A step between two samples that is no longer is covered whatever is usual, ms. */
export const shortStepMs = 30_000;
/** And no step is that is longer, ms. */
const longStepMsMax = windowsPerDay * windowMs;
/** A step is covered if it is no longer than so many of the usual ones. */
const usualStepsMax = 3;
/** The longest step that is covered while nobody knows what is usual, since there is one instant alone, ms. */
const unknownStepMsMax = windowMs;
/** Samples that follow within this time of the first are one instant: a device may send its sections in messages of their own, ms. */
export const instantMs = 5_000;
/** Windows with samples, before one and behind it, whose steps say what is usual there. */
const windowsAround = 4;
/** What is covered in a range depends on the windows so far around it: their usual steps, and the steps into those. */
export const marginWindows = 2 * windowsPerDay;

/** A step of more than {@link shortStepMs} within a window. */
export interface LongStep {
  readonly fromMs: number;
  readonly toMs: number;
  readonly energy: Energy;
}

/** Of one device's 15 minutes, what says which steps are covered. */
export interface WindowSteps {
  readonly window: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The usual step within it: the median over distinct instants. 0 with fewer than two. */
  readonly periodMs: number;
  /** In the order of time. */
  readonly longSteps: readonly Pick<LongStep, "fromMs" | "toMs">[];
}

/** The longest step that is covered where one is usual. */
export function stepMsMaxOf(usualMs: number): number {
  return Math.min(longStepMsMax, Math.max(shortStepMs, usualStepsMax * usualMs));
}

/** The longest steps that are covered in a window, and on the way into it: there what is usual on either side of the step counts. */
export interface StepLimits {
  readonly withinMs: number;
  readonly intoMs: number;
}

/** Is told of a window, of what is covered there, and of the window with samples before it. */
export type OnWindow<W> = (window: W, limits: StepLimits, before: W | undefined) => void;

/**
 * The rule of what is covered (docs/adr/0066-one-rule-for-what-was-measured.md). Takes the windows with samples in the order of time, and hands
 * each on once those behind it are known that say what is usual there: the median of the usual steps of the nine windows around it, of no more
 * than a day to either side.
 */
export class StepRule<W extends WindowSteps> {
  readonly #onWindow: OnWindow<W>;
  readonly #windows: { readonly window: W; readonly usualMs: number | null }[] = [];
  #next = 0;
  #lastWithinMs = 0;

  constructor(onWindow: OnWindow<W>) {
    this.#onWindow = onWindow;
  }

  add(window: W): void {
    const before = this.#windows.at(-1)?.window;
    const stepMs = before === undefined ? Number.POSITIVE_INFINITY : window.firstMs - before.lastMs;
    // Of a window with a single instant the step that leads to it.
    const usualMs = window.periodMs > 0 ? window.periodMs : stepMs <= longStepMsMax ? stepMs : null;
    this.#windows.push({ window, usualMs });
    if (this.#windows.length - this.#next > windowsAround) this.#handOn();
  }

  finish(): void {
    while (this.#next < this.#windows.length) this.#handOn();
  }

  #handOn(): void {
    const at = this.#next++;
    const { window } = this.#windows[at] as { window: W };
    const usual: number[] = [];
    for (const each of this.#windows.slice(Math.max(0, at - windowsAround), at + windowsAround + 1)) {
      const isNear = Math.abs(each.window.window - window.window) <= windowsPerDay;
      if (isNear && each.usualMs !== null) usual.push(each.usualMs);
    }
    usual.sort((a, b) => a - b);
    const middle = usual[(usual.length - 1) >> 1];
    const withinMs = middle === undefined ? unknownStepMsMax : stepMsMaxOf(middle);
    const intoMs = Math.max(withinMs, this.#lastWithinMs);
    this.#lastWithinMs = withinMs;
    this.#onWindow(window, { withinMs, intoMs }, this.#windows[at - 1]?.window);
    if (at > windowsAround) {
      this.#windows.shift();
      this.#next--;
    }
  }
}
