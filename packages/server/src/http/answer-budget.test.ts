import { expect, test } from "vitest";
import { AnswerBudget } from "./answer-budget.ts";

test("one caller is refused at the bound, the others are not, and nobody once it is given back", () => {
  const budget = new AnswerBudget({ bytesMax: 100, bytesMaxEach: 30 });
  const release = budget.hold("a", 20);
  expect(budget.refuse("a")).toBeNull();
  const releaseMore = budget.hold("a", 20);
  expect(budget.refuse("a")).toMatchObject({ code: "too_many_answers" });
  expect(budget.refuse("b")).toBeNull();
  release();
  release();
  expect(budget.held).toBe(20);
  expect(budget.refuse("a")).toBeNull();
  releaseMore();
  expect(budget.held).toBe(0);
});

test("all are refused where all together hold too much", () => {
  const budget = new AnswerBudget({ bytesMax: 100, bytesMaxEach: 30 });
  const releases = ["a", "b", "c", "d", "e"].map((caller) => budget.hold(caller, 20));
  expect(budget.refuse("f")).toMatchObject({ code: "answers_busy" });
  releases[0]?.();
  expect(budget.refuse("f")).toBeNull();
});
