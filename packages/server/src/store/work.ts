/**
 * A question on its way to its answer. It yields where others may have a turn, or a promise whose value it waits for: so it stands once for a store
 * that reads in its own thread, which goes on with it piece by piece, and for one that asks a database.
 */
export type Work<T> = Generator<Promise<unknown> | undefined, T, unknown>;

/** Gives the promise's value, within work that `untilDone` does. */
export function* waitFor<T>(promise: Promise<T>): Work<T> {
  return (yield promise) as T;
}

/** Does the work, and waits for whatever it waits for. */
export async function untilDone<T>(work: Work<T>): Promise<T> {
  let step = work.next();
  while (!step.done) step = work.next(await step.value);
  return step.value;
}
