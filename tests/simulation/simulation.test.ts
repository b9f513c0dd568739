/**
 * The server's core, the embedded store, and devices (the SDK and a model of ADR 70) in virtual time: machines, network and disks are simulated, and one
 * seed decides all that happens. First there are faults: crashes and power failures of either side, lost and half-open connections, takeovers, a store
 * that refuses, stalls or loses its answer, an older backup brought back, clocks that are set, rates and queues that are too small. Then there are none,
 * and everything must converge. What holds at each step, and at the end, stands in `checker.ts`.
 *
 * One seed alone: `SEED=17 npx vitest run tests/simulation`. Many seeds and longer runs: `FAULTS_LONG=1`.
 */

import { inTime } from "@wattboard/testing/patience";
import { expect, test } from "vitest";
import { type Outcome, simulate } from "./simulate.ts";

const isLong = process.env.FAULTS_LONG !== undefined;
const faultsMs = isLong ? 3_600_000 : 90_000;
const [seedFrom, seedCount] = process.env.SEED === undefined ? [1, 200] : [Number(process.env.SEED), 1];
const seedsAtOnce = 25;
const from = Array.from({ length: Math.ceil(seedCount / seedsAtOnce) }, (_, at) => seedFrom + at * seedsAtOnce);

function describeFailure(seed: number, { violation, tail, virtualMs }: Outcome): string {
  const alone = `SEED=${seed}${isLong ? " FAULTS_LONG=1" : ""} npx vitest run tests/simulation`;
  return `Seed ${seed} fails after ${virtualMs / 1_000} s: ${violation}\nAlone: ${alone}\nWhat happened last:\n${tail}`;
}

test.each(from)(
  "what devices take is stored once or declared as lost, and what is acknowledged is stored: seeds from %i on",
  async (first) => {
    for (let seed = first; seed < Math.min(first + seedsAtOnce, seedFrom + seedCount); seed++) {
      const outcome = await simulate({ seed, faultsMs });
      if (outcome.violation !== null) expect.fail(describeFailure(seed, outcome));
      // A world in which nothing happens would prove nothing.
      expect(outcome.committed).toBeGreaterThan(10);
    }
  },
  inTime(isLong ? 3_600_000 : 120_000),
);

test("the same seed is the same run, event by event", async () => {
  const [one, other] = [
    await simulate({ seed: seedFrom, faultsMs: 90_000 }),
    await simulate({ seed: seedFrom, faultsMs: 90_000 }),
  ];
  expect(other).toEqual(one);
  const third = await simulate({ seed: seedFrom + 1, faultsMs: 90_000 });
  expect(third.digest).not.toBe(one.digest);
});
