import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { createLog } from "../observe/log.ts";
import { Closing } from "./closing.ts";

const log = createLog({ level: "silent" });

test("a part that never ends is given up at the deadline, and those behind it end", async () => {
  const clock = new ManualClock();
  const closing = new Closing(clock, log);
  const graces: number[] = [];
  closing.defer("first", (graceMs) => graces.push(graceMs));
  closing.defer("stuck as well", () => new Promise(() => {}));
  closing.defer("stuck", () => new Promise(() => {}));
  closing.defer("last", (graceMs) => graces.push(graceMs));
  const closed = closing.close();
  const moving = setInterval(() => clock.advance(500), 1);
  await closed.finally(() => clearInterval(moving));
  expect(graces).toEqual([9_000, 0]);
  expect(clock.monotonicMs()).toBeLessThanOrEqual(10_000);
});

test("the first error is the one that is told, however parts fail, and closing again runs nothing anew", async () => {
  const closing = new Closing(new ManualClock(), log);
  const ends: string[] = [];
  closing.defer("one", () => {
    ends.push("one");
    throw new Error("one");
  });
  closing.defer("two", () => ends.push("two"));
  closing.defer("three", () => {
    ends.push("three");
    return Promise.reject(new Error("three"));
  });
  await expect(closing.close()).rejects.toThrow("three");
  await expect(closing.close()).rejects.toThrow("three");
  expect(ends).toEqual(["three", "two", "one"]);
});
