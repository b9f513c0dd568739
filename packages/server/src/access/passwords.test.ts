import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { ManualClock } from "../base/manual-clock.ts";
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

test("a password has 12 characters at least, counted as people count them", () => {
  expect(describePasswordFault("elf Zeichen")).toContain("11 characters");
  expect(describePasswordFault("zwölf Zeiche")).toBeNull();
  expect(describePasswordFault("🔋".repeat(12))).toBeNull();
  expect(describePasswordFault("🔋".repeat(11))).not.toBeNull();
  expect(describePasswordFault("x".repeat(257))).toContain("at most 256");
});

test("more than sixteen at a time are refused, and those that wait get their turn", async () => {
  const passwords = new Passwords(systemClock);
  const answers = await Promise.all(Array.from({ length: 20 }, () => passwords.matches("x", null)));
  expect(answers.filter((each) => each === false)).toHaveLength(16);
  for (const refused of answers.filter((each) => each !== false)) {
    expect(refused).toMatchObject({ code: "too_many_attempts" });
  }
  expect(await passwords.matches("x", null)).toBe(false);
});

test("when its credit of time is used up, hashing waits until its share of the core allows for more", async () => {
  // Each reading of this clock costs time, so that a hash takes 600 ms of it.
  class CostlyClock extends ManualClock {
    override monotonicMs(): number {
      this.advance(600);
      return super.monotonicMs();
    }
  }
  const clock = new CostlyClock();
  const passwords = new Passwords(clock);
  const waits: number[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, task) => {
    waits.push(delayMs);
    return after(0, task);
  };
  for (let tries = 0; tries < 6; tries++) {
    const answer = passwords.matches("x", null);
    await Promise.race([answer, moveOn(clock, answer)]);
    await answer;
  }
  // Half a second at once; then some twenty times what the last one took.
  expect(waits.length).toBeGreaterThanOrEqual(3);
  expect(waits.at(-1)).toBeGreaterThan(2_000);
});

async function moveOn(clock: ManualClock, answer: Promise<unknown>): Promise<void> {
  let isDone = false;
  void answer.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
