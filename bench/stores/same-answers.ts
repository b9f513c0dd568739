import type { Answer } from "./subject.ts";

/** Sums of minutes are kept to a milliwatt, and everybody adds up in another order. */
const toleranceShare = 1e-5;

/** Throws where two subjects have found something else: then it was not the same question. */
export function assertSameAnswers(
  question: string,
  expected: readonly Answer[],
  found: readonly Answer[],
  by: string,
): void {
  for (const [at, answer] of found.entries()) {
    const { count, sum } = expected[at] as Answer;
    const isNear = Math.abs(answer.sum - sum) <= toleranceShare * Math.max(1, Math.abs(sum));
    if (answer.count === count && isNear) continue;
    const said = `${answer.count} values with the sum ${answer.sum}, not ${count} with ${sum}`;
    throw new Error(`${question}: ${by} has found ${said}.`);
  }
}
