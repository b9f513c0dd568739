import { expect, test } from "vitest";
import { Pacer } from "./pacer.ts";

test("counts off slots evenly and owes what was not taken", () => {
  const pacer = new Pacer(200);
  expect(pacer.due(4)).toBe(0);
  expect(pacer.due(5)).toBe(1);
  expect(pacer.take(1)).toBe(0);
  expect(pacer.due(5)).toBe(0);
  expect(pacer.due(1_000)).toBe(199);
  expect(pacer.take(20)).toBe(1);
  expect(pacer.next).toBe(21);
  expect(pacer.due(1_000)).toBe(179);
});

test("does not run backwards when the time does", () => {
  const pacer = new Pacer(10);
  pacer.take(pacer.due(1_000));
  expect(pacer.due(500)).toBe(0);
});
