import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../base/manual-clock.ts";
import { openAccessFile } from "./access-file.ts";
import { KnownBrowsers } from "./known-browsers.ts";
import { Passwords } from "./passwords.ts";
import { People } from "./people.ts";
import { Sessions } from "./sessions.ts";
import { SignIn } from "./sign-in.ts";

class CountingPasswords extends Passwords {
  readonly checked: (string | null)[] = [];

  override matches(password: string, phc: string | null) {
    this.checked.push(phc);
    return super.matches(password, phc);
  }
}

const password = "ann's long password";
const from = (address: string, browser: string | null = null) => ({ address, browser });

async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-sign-in-"));
  const file = openAccessFile(folder);
  onTestFinished(() => {
    file.close();
    rmSync(folder, { recursive: true });
  });
  const clock = new ManualClock();
  const people = new People(file, clock);
  const sessions = new Sessions(file, clock, 3_600_000);
  const passwords = new CountingPasswords(clock);
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
