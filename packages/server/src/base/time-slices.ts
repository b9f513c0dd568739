import { type Clock, systemClock } from "./clock.ts";

/** What long work may have of one turn of the event loop, ms: less than a live sample takes by itself; a turn costs about 0.02 ms more. */
const sliceMs = 0.5;

type SliceClock = Pick<Clock, "monotonicMs" | "nextTurn">;

/** Work that has been begun and not ended, by its clock: that of the process but in tests. Whoever begins some bounds how much of it waits here. */
const jobsByClock = new WeakMap<SliceClock, Job[]>();

interface Job {
  /** Goes on until the slice is used up, by the monotonic clock; true once all is done. */
  run(endMs: number): boolean;
}

/**
 * Does long work piece by piece, and lets the event loop turn in between: a generator that yields after each small piece. All such work in the
 * process shares one slice a turn and goes on in rotation, so that much of it holds up live samples no longer than a little of it does.
 * Gives null where the work was no longer wanted, which is asked before each slice.
 */
export function inTimeSlices<T>(work: Generator<unknown, T>, isWanted: () => boolean): Promise<T | null>;
export function inTimeSlices<T>(work: Generator<unknown, T>, isWanted?: undefined, clock?: SliceClock): Promise<T>;
export function inTimeSlices<T>(
  work: Generator<unknown, T>,
  isWanted = () => true,
  clock: SliceClock = systemClock,
): Promise<T | null> {
  const { promise, resolve, reject } = Promise.withResolvers<T | null>();
  const run = (endMs: number): boolean => {
    try {
      if (!isWanted()) {
        // It ends where it is; the type wants a result of it, which nobody sees.
        work.return(null as never);
        resolve(null);
        return true;
      }
      do {
        const { done, value } = work.next();
        if (!done) continue;
        resolve(value as T);
        return true;
      } while (clock.monotonicMs() < endMs);
      return false;
    } catch (error) {
      reject(error);
      return true;
    }
  };
  const jobs = jobsByClock.get(clock) ?? [];
  jobsByClock.set(clock, jobs);
  if (jobs.push({ run }) === 1) clock.nextTurn(() => runSlice(clock));
  return promise;
}

function runSlice(clock: SliceClock): void {
  const endMs = clock.monotonicMs() + sliceMs;
  const waiting = jobsByClock.get(clock) ?? [];
  const unfinished: Job[] = [];
  let at = 0;
  for (const job of waiting) {
    at++;
    // What is done with a result may take its time as well, so the slice ends with the first.
    if (job.run(endMs)) break;
    unfinished.push(job);
    if (clock.monotonicMs() >= endMs) break;
  }
  // Those that had their turn stand behind those that still wait.
  const jobs = [...waiting.slice(at), ...unfinished];
  jobsByClock.set(clock, jobs);
  if (jobs.length > 0) clock.nextTurn(() => runSlice(clock));
}

/** Visits one item after the other until `visit` gives false. What `items` walks over may change between two slices. */
export function visitInSlices<T>(
  items: Iterable<T>,
  visit: (item: T) => boolean,
  clock: SliceClock = systemClock,
): Promise<void> {
  function* visits(): Generator<void, void> {
    for (const item of items) {
      if (!visit(item)) return;
      yield;
    }
  }
  return inTimeSlices(visits(), undefined, clock);
}

/** Sorts like `Array.sort`, equal items as they stood, in steps between which a slice may end. */
export function* sortInSteps<T>(items: readonly T[], compare: (one: T, other: T) => number): Generator<void, T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += runLength) {
    runs.push(items.slice(at, at + runLength).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(yield* merge(runs[at] ?? [], runs[at + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

const runLength = 64;

function* merge<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (one: T, other: T) => number,
): Generator<void, T[]> {
  const merged: T[] = [];
  let [leftAt, rightAt] = [0, 0];
  while (leftAt < left.length || rightAt < right.length) {
    const isLeftNext =
      rightAt === right.length || (leftAt < left.length && compare(left[leftAt] as T, right[rightAt] as T) <= 0);
    merged.push((isLeftNext ? left[leftAt++] : right[rightAt++]) as T);
    if (merged.length % runLength === 0) yield;
  }
  return merged;
}
