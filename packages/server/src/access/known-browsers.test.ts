import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { lockAccessFile, readyAccessFile } from "./access-file.ts";
import { KnownBrowsers, knownBrowserMs } from "./known-browsers.ts";

function setUp() {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-known-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const clock = new ManualClock(1_000_000);
  const file = lockAccessFile(folder);
  readyAccessFile(folder, file);
  onTestFinished(() => file.close());
  return { clock, file, known: new KnownBrowsers(file, clock) };
}

test("a browser keeps its cookie from one sign-in of a person to the next, also over a restart, for 400 days", () => {
  const { clock, file, known } = setUp();
  const secret = known.remember("ann", "192.0.2.1", null);
  expect(known.remember("ann", "192.0.2.2", secret)).toBe(secret);
  expect(known.remember("bob", "192.0.2.2", secret)).not.toBe(secret);
  const again = new KnownBrowsers(file, clock);
  expect(again.find(secret)).toMatchObject({ person: "ann", address: "192.0.2.2" });
  expect(again.isKnownAddress("ann", "192.0.2.2")).toBe(true);
  expect(again.isKnownAddress("ann", "192.0.2.1")).toBe(false);
  clock.advance(knownBrowserMs);
  expect(new KnownBrowsers(file, clock).find(secret)).toBeUndefined();
});

test("of one person twenty are remembered, the one that was not used for longest goes; of who is removed none", () => {
  const { clock, file, known } = setUp();
  const first = known.remember("ann", "a", null);
  const second = known.remember("ann", "b", null);
  for (let more = 0; more < 18; more++) known.remember("ann", "c", null);
  known.remember("ann", "a", first);
  known.remember("ann", "d", null);
  expect(known.find(second)).toBeUndefined();
  expect(known.find(first)).toBeDefined();
  known.forgetPerson("ann");
  expect(known.find(first)).toBeUndefined();
  expect(file.prepare("SELECT count(*) AS rows FROM known_browser").get()).toEqual({ rows: 0 });
  expect(new KnownBrowsers(file, clock).isKnownAddress("ann", "d")).toBe(false);
});

test("what is stored of a browser does not let anybody pass for it", () => {
  const { file, known } = setUp();
  const secret = known.remember("ann", "192.0.2.1", null);
  const [row] = file.prepare("SELECT key FROM known_browser").all();
  expect(row?.key).not.toBe(secret);
  expect(known.find(String(row?.key))).toBeUndefined();
});
