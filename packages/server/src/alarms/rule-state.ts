import type { Sample } from "../devices/sample.ts";
import { Onset } from "./onset.ts";
import { type PointTest, type PreparedRule, readPoint } from "./prepared-rule.ts";

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
  /** Bit by bit, which conditions are known, and which are met; those of `clearWhen` stand behind those of `when`. */
  #known = 0;
  #met = 0;
  #atMs = Number.NaN;

  constructor(prepared: PreparedRule) {
    this.prepared = prepared;
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
    if (isWhole || !(atMs - this.#atMs <= holdMs)) this.#known = this.#met = 0;
    this.#atMs = atMs;
    const heard = this.#read(sample, when, 0) + (clearWhen === null ? 0 : this.#read(sample, clearWhen, when.length));
    if (heard === 0) return;
    const holds = this.#verdict(0, when.length);
    const wants = !onset.isRinging
      ? holds
      : clearWhen === null
        ? not(holds)
        : holds === true
          ? false
          : this.#verdict(when.length, when.length + clearWhen.length);
    if (wants === null) return;
    const changedMs = onset.see(wants, atMs, holdMs, rule);
    if (!Number.isNaN(changedMs)) onChange(this, changedMs);
  }

  #read(sample: Said, tests: readonly PointTest[], from: number): number {
    let heard = 0;
    for (let at = 0; at < tests.length; at++) {
      const test = tests[at] as PointTest;
      const value = readPoint(sample, test);
      if (value === undefined) continue;
      heard++;
      const bit = 1 << (from + at);
      this.#met &= ~bit;
      this.#known &= ~bit;
      if (value === null) continue;
      this.#known |= bit;
      if (test.meets(value)) this.#met |= bit;
    }
    return heard;
  }

  /** Whether all of them are met; null: that is not known. */
  #verdict(from: number, to: number): boolean | null {
    // At most 16 conditions each.
    const all = to - from === 32 ? -1 : ((1 << (to - from)) - 1) << from;
    if ((this.#known & ~this.#met & all) !== 0) return false;
    return (this.#known & all) === all ? true : null;
  }
}

function not(holds: boolean | null): boolean | null {
  return holds === null ? null : !holds;
}
