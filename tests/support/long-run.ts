/** `npm run faults -- --long` sets it: more rounds, with the same code. */
const isLong = (process.env.FAULTS_LONG ?? "") !== "";

/** How often something is tried: a few times in CI, and many in a long run. */
export function rounds(short: number, long: number): number {
  return isLong ? long : short;
}

/** What chance begins with: the same each time in CI, told and new in a long run. FAULTS_SEED repeats one. */
export const seed = Number(process.env.FAULTS_SEED ?? 1);

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
export function seededRandom(from: number = seed): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
