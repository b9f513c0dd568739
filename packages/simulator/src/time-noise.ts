import { hashUnit } from "./random.ts";

/**
 * Smooth noise in [−1, 1] as a function of time: random values on a lattice of `periodS`, joined by a smooth curve.
 * It has no state, so all who ask with the same seed see the same: the neighbours' clouds, the grid's frequency.
 */
export function timeNoise(seed: number, periodS: number, timeS: number): number {
  const position = timeS / periodS;
  const index = Math.floor(position);
  const share = position - index;
  const from = hashUnit(seed, index);
  const to = hashUnit(seed, index + 1);
  return 2 * (from + (to - from) * share * share * (3 - 2 * share)) - 1;
}
