import { ManualTurns } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { YieldQueue } from "./yield-queue.ts";

describe("a yieldQueue", () => {
  test("lets one task through in a turn, the first at once, and all in their order", () => {
    const turns = new ManualTurns();
    const yieldQueue = new YieldQueue(10, turns.next);
    const seen: string[] = [];
    for (const name of ["a", "b", "c"]) yieldQueue.pass(() => seen.push(name));
    expect(seen).toEqual(["a"]);
    turns.run();
    seen.push("a sample");
    turns.run();
    seen.push("another sample");
    turns.run();
    expect(seen).toEqual(["a", "b", "a sample", "c", "another sample"]);
  });

  test("lets a task through at once again when the turn of the last is over", () => {
    const turns = new ManualTurns();
    const yieldQueue = new YieldQueue(10, turns.next);
    const seen: string[] = [];
    yieldQueue.pass(() => seen.push("a"));
    turns.run();
    yieldQueue.pass(() => seen.push("b"));
    expect(seen).toEqual(["a", "b"]);
  });

  test("has a task wait that another one brings along", () => {
    const turns = new ManualTurns();
    const yieldQueue = new YieldQueue(10, turns.next);
    const seen: string[] = [];
    yieldQueue.pass(() => {
      seen.push("outer");
      yieldQueue.pass(() => seen.push("inner"));
    });
    expect(seen).toEqual(["outer"]);
    turns.run();
    expect(seen).toEqual(["outer", "inner"]);
  });

  test("leaves out what is wanted no more, and it takes nobody's turn", () => {
    const turns = new ManualTurns();
    const yieldQueue = new YieldQueue(10, turns.next);
    const seen: string[] = [];
    const left = new Set(["b", "c"]);
    for (const name of ["a", "b", "c", "d", "e"]) {
      yieldQueue.pass(
        () => seen.push(name),
        () => !left.has(name),
      );
    }
    turns.run();
    expect(seen).toEqual(["a", "d"]);
    left.add("e");
    turns.run();
    expect(seen).toEqual(["a", "d"]);
    expect(yieldQueue.waitingCount).toBe(0);
    yieldQueue.pass(() => seen.push("f"));
    expect(seen).toEqual(["a", "d", "f"]);
  });

  test("turns away what is above its bound, and takes more as soon as one has gone through", () => {
    const turns = new ManualTurns();
    const yieldQueue = new YieldQueue(2, turns.next);
    const seen: number[] = [];
    const taken = [1, 2, 3, 4].map((number) => yieldQueue.pass(() => seen.push(number)));
    expect(taken).toEqual([true, true, true, false]);
    turns.run();
    expect(yieldQueue.pass(() => seen.push(5))).toBe(true);
    for (let turn = 0; turn < 3; turn++) turns.run();
    expect(seen).toEqual([1, 2, 3, 5]);
    expect(yieldQueue.waitingCount).toBe(0);
  });
});
