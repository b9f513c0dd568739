import { expect, test } from "vitest";
import { QuestionQueue } from "./question-queue.ts";

const never = new AbortController().signal;

/** A queue, and questions in it that are answered when they are told to. */
function openQueue(limits: Partial<ConstructorParameters<typeof QuestionQueue>[0]> = {}) {
  const queue = new QuestionQueue({ running: 2, runningEach: 1, open: 10, openEach: 5, ...limits });
  const begun: string[] = [];
  const finish = new Map<string, () => void>();
  const ask = (caller: string, name: string, signal = never): Promise<string> =>
    queue.run(caller, signal, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => finish.set(name, resolve));
      return name;
    });
  return { ask, begun, finish: (name: string) => finish.get(name)?.() };
}

/** Until all that is due in this turn has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("callers take turns: who asks a lot waits behind himself, and another is let in at once", async () => {
  const { ask, begun, finish } = openQueue();
  const greedy = ["a1", "a2", "a3"].map((name) => ask("a", name));
  const other = ask("b", "b1");
  await settled();
  expect(begun).toEqual(["a1", "b1"]);
  const third = ask("c", "c1");
  finish("a1");
  await settled();
  // The third caller was there before the first has his turn again.
  expect(begun).toEqual(["a1", "b1", "c1"]);
  for (const name of ["b1", "c1", "a2", "a3"]) {
    finish(name);
    await settled();
  }
  expect(await Promise.all([...greedy, other, third])).toEqual(["a1", "a2", "a3", "b1", "c1"]);
});

test("one that is too many is turned away, of a caller and of all; room that was given back can be had again", async () => {
  const { ask, finish } = openQueue({ open: 4, openEach: 3 });
  const first = ask("a", "a1");
  const waiting = [ask("a", "a2"), ask("a", "a3")];
  await expect(ask("a", "a4")).rejects.toMatchObject({ code: "store_busy" });
  const other = ask("b", "b1");
  await expect(ask("c", "c1")).rejects.toMatchObject({ code: "store_busy" });
  finish("a1");
  await first;
  const again = ask("c", "c2");
  for (const name of ["a2", "b1", "a3", "c2"]) {
    await settled();
    finish(name);
  }
  await Promise.all([...waiting, other, again]);
});

test("who leaves the line is not worked for, and fails with the reason; a failure of the work is the asker's", async () => {
  const { ask, begun, finish } = openQueue();
  const first = ask("a", "a1");
  const leaving = new AbortController();
  const left = ask("a", "a2", leaving.signal);
  const behind = ask("a", "a3");
  const reason = new Error("has left");
  leaving.abort(reason);
  await expect(left).rejects.toBe(reason);
  await expect(ask("b", "b1", AbortSignal.abort(reason))).rejects.toBe(reason);
  finish("a1");
  await first;
  await settled();
  finish("a3");
  await behind;
  expect(begun).toEqual(["a1", "a3"]);
  const queue = new QuestionQueue({ running: 1, runningEach: 1, open: 1, openEach: 1 });
  await expect(queue.run("a", never, () => Promise.reject(reason))).rejects.toBe(reason);
  expect(await queue.run("a", never, async () => 1)).toBe(1);
});
