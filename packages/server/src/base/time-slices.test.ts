import fc from "fast-check";
import { expect, test } from "vitest";
import { inTimeSlices, sortInSteps, visitInSlices } from "./time-slices.ts";

/** Steps of a millisecond each. */
function* busyFor(steps: number): Generator<void, number> {
  for (let step = 0; step < steps; step++) {
    const endMs = performance.now() + 1;
    while (performance.now() < endMs);
    yield;
  }
  return steps;
}

/** Turns of the event loop until the promise is settled. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work;
  isOver = true;
  return turns;
}

test("long work lets the event loop turn every few steps", async () => {
  const work = inTimeSlices(busyFor(60));
  expect(await turnsDuring(work)).toBeGreaterThanOrEqual(10);
  expect(await work).toBe(60);
});

test("much work at once shares the slices: a turn is no longer than with one, and the short is done before the long", async () => {
  const ended: string[] = [];
  const long = inTimeSlices(busyFor(100)).then(() => ended.push("long"));
  const others = Array.from({ length: 10 }, (_, at) => inTimeSlices(busyFor(5)).then(() => ended.push(`short ${at}`)));
  // A hundred and fifty milliseconds of work, at most some five of them in a turn.
  expect(await turnsDuring(Promise.all([long, ...others]))).toBeGreaterThanOrEqual(20);
  expect(ended.at(-1)).toBe("long");
  expect(ended).toHaveLength(11);
});

test("work that fails rejects, and the other goes on", async () => {
  const failing = (function* (): Generator<void, never> {
    yield;
    throw new Error("broken");
  })();
  const [failed, done] = await Promise.allSettled([inTimeSlices(failing), inTimeSlices(busyFor(10))]);
  expect([failed, done]).toMatchObject([{ reason: { message: "broken" } }, { value: 10 }]);
});

test("work that nobody wants any more ends", async () => {
  let steps = 0;
  const endless = (function* (): Generator<void, never> {
    for (;;) {
      steps++;
      yield;
    }
  })();
  expect(await inTimeSlices(endless, () => steps < 100)).toBe(null);
});

test("sorting in steps gives what Array.sort gives, equal items as they stood", () => {
  const items = fc.array(fc.record({ key: fc.integer({ min: 0, max: 20 }), at: fc.integer() }), { maxLength: 500 });
  fc.assert(
    fc.property(items, (unsorted) => {
      const compare = (one: { key: number }, other: { key: number }) => one.key - other.key;
      const work = sortInSteps(unsorted, compare);
      let last = work.next();
      while (!last.done) last = work.next();
      expect(last.value).toEqual([...unsorted].sort(compare));
    }),
  );
});

test("a visit in slices goes in order, ends where it is told to, and asks for no more", async () => {
  const visited: number[] = [];
  let asked = 0;
  function* items(): Generator<number> {
    for (;;) yield asked++;
  }
  await visitInSlices(items(), (item) => visited.push(item) < 5);
  expect(visited).toEqual([0, 1, 2, 3, 4]);
  expect(asked).toBe(5);
});
