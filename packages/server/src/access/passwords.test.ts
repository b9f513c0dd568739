import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { describePasswordFault, Passwords } from "./passwords.ts";

test("a password fits its own hash and no other, whichever way its letters are typed", async () => {
  const passwords = new Passwords(systemClock);
  const hash = await passwords.hash("gr\u00fcner Strom im Keller");
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(await passwords.matches("gru\u0308ner Strom im Keller", String(hash))).toBe(true);
  expect(await passwords.matches("gr\u00fcner Strom im keller", String(hash))).toBe(false);
  expect(await passwords.matches("", String(hash))).toBe(false);
  expect(await passwords.matches("anything", null)).toBe(false);
  expect(await passwords.hash("gr\u00fcner Strom im Keller")).not.toBe(hash);
});

test("a hash says what it cost, and is checked at that cost whatever a new one costs", async () => {
  const cheap = new Passwords(systemClock, { cost: { memoryKiB: 8, passes: 1 } });
  const passwords = new Passwords(systemClock);
  const hash = String(await cheap.hash("gr\u00fcner Strom im Keller"));
  expect(hash).toContain("$m=8,t=1,p=1$");
  expect(await passwords.matches("gr\u00fcner Strom im Keller", hash)).toBe(true);
  expect(await cheap.matches("gr\u00fcner Strom im Keller", String(await passwords.hash("not this one")))).toBe(false);
});

test("a password has 12 characters at least, counted as people count them", () => {
  expect(describePasswordFault("elf Zeichen")).toContain("11 characters");
  expect(describePasswordFault("zwölf Zeiche")).toBeNull();
  expect(describePasswordFault("🔋".repeat(12))).toBeNull();
  expect(describePasswordFault("🔋".repeat(11))).not.toBeNull();
  expect(describePasswordFault("x".repeat(257))).toContain("at most 256");
});

test("more than may wait are refused, and those that wait get their turn", async () => {
  const passwords = new Passwords(new ManualClock(), { waitingMax: 4 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => passwords.matches("x", null)));
  expect(answers.filter((each) => each === false)).toHaveLength(4);
  for (const refused of answers.filter((each) => each !== false)) {
    expect(refused).toMatchObject({ code: "too_many_attempts" });
  }
  expect(await passwords.matches("x", null)).toBe(false);
});

test("where all places are taken, who comes before the last by rank takes that one's; the first by rank has the next turn", async () => {
  const passwords = new Passwords(new ManualClock(), { waitingMax: 3 });
  const turns: number[] = [];
  const ask = async (rank: number) => {
    const answer = await passwords.matches("x", null, () => [rank]);
    if (answer === false) turns.push(rank);
  };
  await Promise.all([ask(5), ask(9), ask(7), ask(8), ask(10), ask(1)]);
  expect(turns).toEqual([1, 5, 7]);
});

test("when its credit of time is used up, hashing waits until its share of the core allows for more", async () => {
  const clock = new ManualClock();
  // A hash that takes 200 ms by this clock: it is read before and after, and once when the credit is counted.
  const read = clock.monotonicMs.bind(clock);
  let reads = 0;
  clock.monotonicMs = () => {
    if (++reads % 3 === 1) clock.advance(200);
    return read();
  };
  const passwords = new Passwords(clock);
  const waitsMs: number[] = [];
  clock.after = (delayMs, task) => {
    waitsMs.push(delayMs);
    setImmediate(task);
    return () => {};
  };
  for (let tries = 0; tries < 4; tries++) await passwords.matches("x", null);
  // Half a second at once, which is two hashes and a half; the fourth waits for what the third took too much.
  expect(waitsMs).toHaveLength(1);
  expect(waitsMs[0]).toBeGreaterThan(500);
});
