import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { lockAccessFile, readyAccessFile } from "./access-file.ts";
import { KnownBrowsers } from "./known-browsers.ts";
import { LoginSessions } from "./login-sessions.ts";
import { Passwords, type Rank } from "./passwords.ts";
import { People } from "./people.ts";
import { Revocations } from "./revocations.ts";
import { SignIn } from "./sign-in.ts";

class CountingPasswords extends Passwords {
  readonly checked: (string | null)[] = [];

  override async matches(password: string, phc: string | null, rank?: Rank) {
    const answer = await super.matches(password, phc, rank);
    if (typeof answer === "boolean") this.checked.push(phc);
    return answer;
  }
}

const password = "ann's long password";
const from = (address: string, browser: string | null = null) => ({ address, browser });

async function setUp(waitingMax?: number) {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-sign-in-"));
  const file = lockAccessFile(folder);
  readyAccessFile(folder, file);
  onTestFinished(() => {
    file.close();
    rmSync(folder, { recursive: true });
  });
  const clock = new ManualClock();
  const revocations = new Revocations(folder);
  const people = new People(file, clock, revocations);
  const sessions = new LoginSessions(file, clock, 3_600_000, revocations);
  const passwords = new CountingPasswords(clock, {
    ...(waitingMax && { waitingMax }),
    cost: { memoryKiB: 8, passes: 1 },
  });
  people.add({ name: "ann", role: "viewer", devices: [], email: "ann@example.org" });
  people.setPassword("ann", String(await passwords.hash(password)));
  people.add({ name: "invited", role: "viewer", devices: [] });
  const knownBrowsers = new KnownBrowsers(file, clock);
  const signIn = new SignIn(clock, { people, passwords, sessions, knownBrowsers });
  return { clock, knownBrowsers, people, sessions, passwords, signIn };
}

test("an account that does not exist, or has no password yet, costs one hash as any other does", async () => {
  const { passwords, signIn } = await setUp();
  const answers: unknown[] = [];
  for (const account of ["ann", "invited", "nobody"])
    answers.push(await signIn.attempt(account, "wrong", from("1.1.1.1")));
  expect(answers[0]).toMatchObject({ code: "wrong_credentials" });
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
  expect(passwords.checked).toEqual([expect.stringContaining("$argon2id$"), null, null]);
});

test("ten wrong passwords stop an account, whoever guesses and whether it exists; a minute later one more may be tried", async () => {
  const { clock, passwords, signIn } = await setUp();
  for (const account of ["ann", "nobody"]) {
    for (let tries = 0; tries < 10; tries++) await signIn.attempt(account, "wrong", from(`${account}.${tries}`));
    const before = passwords.checked.length;
    const stopped = await signIn.attempt(account, password, from("elsewhere"));
    expect(stopped).toMatchObject({ code: "too_many_attempts", retryAfterMs: 60_000 });
    expect(passwords.checked.length).toBe(before);
  }
  // The name is stopped; that says nothing about the e-mail address, or the two would be known to belong together.
  expect(await signIn.attempt("ann@example.org", password, from("elsewhere"))).toMatchObject({ name: "ann" });
  clock.advance(60_000);
  expect(await signIn.attempt("ann", password, from("elsewhere"))).toMatchObject({ name: "ann" });
});

test("strangers cannot lock somebody out at an address where they are signed in", async () => {
  const { sessions, signIn } = await setUp();
  sessions.begin("ann", "home");
  for (let tries = 0; tries < 12; tries++) await signIn.attempt("ann", "wrong", from(`stranger ${tries}`));
  expect(await signIn.attempt("ann", password, from("new place"))).toMatchObject({ code: "too_many_attempts" });
  expect(await signIn.attempt("ann", password, from("home"))).toMatchObject({ name: "ann" });
});

test("a password that is changed while the old one is being checked lets nobody in", async () => {
  const { passwords, people, signIn } = await setUp();
  const other = String(await passwords.hash("another long password"));
  const attempt = signIn.attempt("ann", password, from("1.1.1.1"));
  people.setPassword("ann", other);
  expect(await attempt).toMatchObject({ code: "wrong_credentials" });
});

test("IPv6 addresses of one network are one guesser: the 21st try is refused, whichever of them it comes from", async () => {
  const { signIn } = await setUp();
  for (let tries = 0; tries < 20; tries++) await signIn.attempt(`nobody ${tries}`, "x", from(`2001:db8::${tries + 1}`));
  expect(await signIn.attempt("ann", password, from("2001:db8::ffff:1"))).toMatchObject({ code: "too_many_attempts" });
  expect(signIn.refuseEarly(from("2001:db8::ffff:1"), true)).toMatchObject({ code: "too_many_attempts" });
  expect(await signIn.attempt("ann", password, from("2001:db8:0:1::1"))).toMatchObject({ name: "ann" });
});

describe("while forty networks guess without a pause, more than can be checked", () => {
  const places = 48;

  /** Two of each network ask again as soon as they are answered. Gives how many tries were refused for want of a place. */
  async function guess(signIn: SignIn, isOver: () => boolean): Promise<number> {
    let refused = 0;
    const guesser = async (number: number): Promise<void> => {
      for (let tries = 0; !isOver(); tries++) {
        const address = `10.0.${number >> 1}.${number & 1}`;
        const answer = await signIn.attempt(`account ${number}.${tries}`, "wrong", from(address));
        if (isRefusal(answer) && answer.code === "too_many_attempts") refused++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all(Array.from({ length: 80 }, (_, number) => guesser(number)));
    return refused;
  }

  test("somebody from a new address has their turn with the first or second try", async () => {
    const { passwords, signIn } = await setUp(places);
    let isOver = false;
    const guessing = guess(signIn, () => isOver);
    await vi.waitFor(() => expect(passwords.checked.length).toBeGreaterThan(60), { timeout: 60_000 });
    const before = passwords.checked.length;
    let tries = 0;
    let answer: unknown;
    do {
      answer = await signIn.attempt("ann", password, from("192.0.2.1"));
      tries++;
    } while (tries < 2 && !("name" in (answer as object)));
    expect(answer).toMatchObject({ name: "ann" });
    // Behind the one that was being hashed, and not behind all that waited.
    expect(passwords.checked.length - before).toBeLessThan(places / 4);
    isOver = true;
    expect(await guessing).toBeGreaterThan(0);
  });

  test("a browser that is known comes first, also where its own network guesses and its account is being guessed", async () => {
    const { knownBrowsers, passwords, signIn } = await setUp(places);
    const cookie = knownBrowsers.remember("ann", "198.51.100.1", null);
    for (let tries = 0; tries < 20; tries++) await signIn.attempt(tries < 10 ? "ann" : "x", "wrong", from("10.0.7.1"));
    expect(await signIn.attempt("ann", password, from("10.0.7.1"))).toMatchObject({ code: "too_many_attempts" });
    let isOver = false;
    const guessing = guess(signIn, () => isOver);
    const before = passwords.checked.length;
    expect(signIn.refuseEarly(from("10.0.7.1", cookie), true)).toBeNull();
    expect(await signIn.attempt("ann", password, from("10.0.7.1", cookie))).toMatchObject({ name: "ann" });
    expect(passwords.checked.length - before).toBeLessThanOrEqual(2);
    isOver = true;
    await guessing;
    // It is a place in the line, and no key: for another account the cookie says nothing.
    expect(await signIn.attempt("invited", "x", from("10.0.7.1", cookie))).toMatchObject({ code: "too_many_attempts" });
  });
});

test("a known browser that guesses has its own bound", async () => {
  const { knownBrowsers, signIn } = await setUp();
  const cookie = knownBrowsers.remember("ann", "198.51.100.1", null);
  for (let tries = 0; tries < 10; tries++) {
    const answer = await signIn.attempt("ann", "wrong", from(`203.0.113.${tries}`, cookie));
    expect(answer).toMatchObject({ code: "wrong_credentials" });
  }
  expect(await signIn.attempt("ann", "wrong", from("203.0.113.99", cookie))).toMatchObject({
    code: "too_many_attempts",
  });
});
