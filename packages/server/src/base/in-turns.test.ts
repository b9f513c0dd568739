import { expect, test } from "vitest";
import { visitInTurns } from "./in-turns.ts";

test("visits all in order, and lets others have their turn where it takes long", async () => {
  const visited: number[] = [];
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const spin = (ms: number): void => {
    for (const endMs = performance.now() + ms; performance.now() < endMs; );
  };
  await visitInTurns(
    Array.from({ length: 30 }, (_, at) => at),
    (at) => {
      spin(1);
      return visited.push(at) > 0;
    },
  );
  clearInterval(others);
  expect(visited).toEqual(Array.from({ length: 30 }, (_, at) => at));
  expect(turns).toBeGreaterThan(5);
});

test("ends where it is told to, and asks for no more", async () => {
  let asked = 0;
  function* items(): Generator<number> {
    for (;;) yield asked++;
  }
  await visitInTurns(items(), (item) => item < 4);
  expect(asked).toBe(5);
});
