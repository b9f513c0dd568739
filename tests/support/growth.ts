/** Long enough for the clock to tell. */
const roundMs = 0.2;
const roundsMax = 40;

/**
 * How many times longer a task takes with four times the input: about 4 where its time grows with the input, 16 and more where it grows with
 * the square. Each size counts by its shortest round, since whatever else the machine does only makes rounds longer; it is measured again and
 * again until what comes out is no more than `enough`.
 */
export function growth(make: (size: number) => () => unknown, size: number, enough: number): number {
  const [small, large] = [make(size / 4), make(size)];
  let repeats = 1;
  while (timeMs(small, repeats) < roundMs) repeats *= 2;
  // Were the small size measured too long, the large one would look better than it is.
  let smallMs = Math.min(...Array.from({ length: 10 }, () => timeMs(small, repeats)));
  let largeMs = timeMs(large, repeats);
  for (let round = 1; round < roundsMax && largeMs > enough * smallMs; round++) {
    smallMs = Math.min(smallMs, timeMs(small, repeats));
    largeMs = Math.min(largeMs, timeMs(large, repeats));
  }
  return largeMs / smallMs;
}

export function timeMs(task: () => unknown, repeats = 1): number {
  const startMs = performance.now();
  for (let done = 0; done < repeats; done++) task();
  return performance.now() - startMs;
}
