import { type Spread, spreadOf } from "./spread.ts";

/** One quantity, measured in alternating rounds on several subjects. */
export interface Comparison {
  readonly quantity: string;
  readonly unit: string;
  readonly digits: number;
  /** The subject that the others are compared with; absent where a ratio would say nothing. */
  readonly baseline?: string;
  /** By subject: one value a round, in order; none where it cannot be measured here. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
}

/** Collects the values of a run, comparison by comparison, in the order in which they were first named. */
export class Comparisons {
  readonly #found = new Map<string, Comparison & { readonly rounds: Record<string, number[]> }>();

  add(about: Omit<Comparison, "rounds">, subject: string, value: number): void {
    this.#valuesOf(about, subject).push(value);
  }

  /** It cannot be measured on this machine; the report names it without values. */
  leaveOut(about: Omit<Comparison, "rounds">, subject: string): void {
    this.#valuesOf(about, subject);
  }

  list(): Comparison[] {
    return [...this.#found.values()];
  }

  #valuesOf(about: Omit<Comparison, "rounds">, subject: string): number[] {
    const comparison = this.#found.get(about.quantity) ?? { ...about, rounds: {} };
    this.#found.set(about.quantity, comparison);
    const values = comparison.rounds[subject] ?? [];
    comparison.rounds[subject] = values;
    return values;
  }
}

/** The subject's value over the baseline's, taken round by round, so that a slow moment of the machine hits both. */
export function ratioOf({ baseline, rounds }: Comparison, subject: string): Spread | null {
  const under = baseline === undefined ? undefined : rounds[baseline];
  if (baseline === subject || !under?.length || !rounds[subject]?.length) return null;
  return spreadOf(rounds[subject].map((value, round) => value / (under[round] ?? Number.NaN)));
}
