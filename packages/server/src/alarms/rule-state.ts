import type { Sample } from "../devices/sample.ts";
import { Onset } from "./onset.ts";
import { type PointTest, type PreparedRule, saidValue } from "./prepared-rule.ts";

export type Said = Pick<Sample, "values" | "clock">;

/** Told that a rule began or ceased to ring for a device (`onset.isRinging`), and when. */
export type OnRuleChange = (state: RuleState, atMs: number) => void;

/**
 * How a rule on samples stands for one device. A device may send its sections in messages of their own, so that not every sample says all that a
 * rule asks: what one said holds until another says otherwise, for as long as a sample speaks for the time after it.
 */
export class RuleState {
  readonly prepared: PreparedRule;
  readonly onset = new Onset();
  /** The error flags that it has rung for, of the rule on these. */
  readonly flags = new Set<string>();
  /** Bit by bit, which conditions are known, and which are met; those of `clearWhen` stand behind those of `when`. */
  #known = 0;
  #met = 0;
  /** When each was said last; null where there is one alone, and what is not said now is not known. */
  readonly #saidMs: Float64Array | null;

  constructor(prepared: PreparedRule) {
    this.prepared = prepared;
    const { when, clearWhen } = prepared;
    const count = when.length + (clearWhen?.length ?? 0);
    this.#saidMs = count === 1 ? null : new Float64Array(count);
  }

  /** Nothing holds, and nothing is about to: it need not be kept. */
  get isIdle(): boolean {
    return !this.onset.isRinging && !this.onset.isPending && this.#met === 0;
  }

  /** Time has come to `atMs`; tells whether it began or ceased to ring, and when. */
  settle(atMs: number, holdMs: number, onChange: OnRuleChange): void {
    const changedMs = this.onset.settle(atMs, holdMs, this.prepared.rule);
    if (!Number.isNaN(changedMs)) onChange(this, changedMs);
  }

  /** A sample that was measured at `atMs`; as `settle`. `isWhole`: what the sample does not hold is not so any more. */
  take(sample: Said, atMs: number, holdMs: number, isWhole: boolean, onChange: OnRuleChange): void {
    const { prepared, onset } = this;
    const { rule, when, clearWhen } = prepared;
    this.settle(atMs, holdMs, onChange);
    if (isWhole) this.#known = this.#met = 0;
    const heard =
      this.#read(sample, atMs, when, 0) + (clearWhen === null ? 0 : this.#read(sample, atMs, clearWhen, when.length));
    if (heard === 0) return;
    this.#forgetBefore(atMs - holdMs);
    const wants = this.#wants();
    if (wants === null) return;
    const changedMs = onset.see(wants, atMs, holdMs, rule);
    if (!Number.isNaN(changedMs)) onChange(this, changedMs);
  }

  /** Whether what would change it holds: what rings, or, while it rings, what clears it; null: that is not known. */
  #wants(): boolean | null {
    const { when, clearWhen } = this.prepared;
    const holds = this.#verdict(0, when.length);
    if (!this.onset.isRinging) return holds;
    if (clearWhen === null) return holds === null ? null : !holds;
    return holds === true ? false : this.#verdict(when.length, when.length + clearWhen.length);
  }

  #read(sample: Said, atMs: number, tests: readonly PointTest[], from: number): number {
    let heard = 0;
    for (let at = 0; at < tests.length; at++) {
      const test = tests[at] as PointTest;
      const value = saidValue(sample, test);
      if (value === undefined) continue;
      heard++;
      const bit = 1 << (from + at);
      this.#met &= ~bit;
      this.#known &= ~bit;
      if (value === null) continue;
      this.#known |= bit;
      if (this.#saidMs !== null) this.#saidMs[from + at] = atMs;
      if (test.meets(value)) this.#met |= bit;
    }
    return heard;
  }

  #forgetBefore(ms: number): void {
    if (this.#saidMs === null) return;
    for (let at = 0; at < this.#saidMs.length; at++) {
      if ((this.#saidMs[at] as number) >= ms) continue;
      this.#known &= ~(1 << at);
      this.#met &= ~(1 << at);
    }
  }

  /** Whether all of them are met; null: that is not known. There are at most 16 of each. */
  #verdict(from: number, to: number): boolean | null {
    const all = (2 ** (to - from) - 1) << from;
    if ((this.#known & ~this.#met & all) !== 0) return false;
    return (this.#known & all) === all ? true : null;
  }
}
