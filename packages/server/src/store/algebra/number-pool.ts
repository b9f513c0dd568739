/** Numbers made at once; a column that takes more than an eighth of them stands alone. */
const poolLength = 8_192;

let pool = new Float64Array(poolLength);
let taken = 0;

/**
 * That many zeros, for a column that is soon forgotten. To make a buffer for each takes longer than to fill it, so that several share one, as
 * with `Buffer.allocUnsafe`: what is kept for long keeps its neighbours too.
 */
export function takeNumbers(count: number): Float64Array {
  if (count > poolLength / 8) return new Float64Array(count);
  if (taken + count > poolLength) {
    pool = new Float64Array(poolLength);
    taken = 0;
  }
  taken += count;
  return pool.subarray(taken - count, taken);
}
