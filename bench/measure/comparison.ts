import { type Spread, spreadOf } from "./spread.ts";

/** One quantity, measured in alternating rounds on several subjects. */
export interface Comparison {
  readonly quantity: string;
  readonly unit: string;
  readonly digits: number;
  /** The subject that the others are compared with; absent where a ratio would say nothing. */
  readonly baseline?: string;
  /** By subject: one value a round, in order. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
}

/** Collects the values of a run, comparison by comparison, in the order in which they were first named. */
export class Comparisons {
  readonly #found = new Map<string, Comparison & { readonly rounds: Record<string, number[]> }>();

  add(about: Omit<Comparison, "rounds">, subject: string, value: number): void {
    const comparison = this.#found.get(about.quantity) ?? { ...about, rounds: {} };
    this.#found.set(about.quantity, comparison);
    const values = comparison.rounds[subject] ?? [];
    comparison.rounds[subject] = values;
    values.push(value);
  }

  list(): Comparison[] {
    return [...this.#found.values()];
  }
}

/** The subject's value over the baseline's, taken round by round, so that a slow moment of the machine hits both. */
export function ratioOf({ baseline, rounds }: Comparison, subject: string): Spread | null {
  if (baseline === undefined || baseline === subject) return null;
  const under = rounds[baseline] ?? [];
  return spreadOf((rounds[subject] ?? []).map((value, round) => value / (under[round] ?? Number.NaN)));
}
