import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { OwedEntry } from "./audit/audit.ts";
import { Revocations } from "./revocations.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-revocations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function diskFull(): never {
  throw Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
}

const entry: OwedEntry = { who: "person ann", address: "::1", action: "device.revoke", deviceId: "ems_001", atMs: 1 };

test("what the disk does not take is in the file, and in force after a restart, until it is where it belongs", () => {
  const folder = temporaryFolder();
  const first = new Revocations(folder);
  first.save("device", "ems_001", "a1", diskFull);
  first.owe(entry, new Error("full"));
  const recorded: OwedEntry[] = [];
  const record = (entries: readonly OwedEntry[]): void => void recorded.push(...entries);
  expect(first.settle(diskFull)).toBe(false);
  first.close();

  const second = new Revocations(folder);
  const enforced: string[][] = [];
  let isFull = true;
  second.enforceWith("device", (key, mark) => {
    enforced.push([key, mark]);
    if (isFull) diskFull();
  });
  expect(enforced).toEqual([["ems_001", "a1"]]);
  expect([second.settle(record), recorded]).toEqual([false, []]);
  isFull = false;
  expect([second.settle(record), recorded]).toEqual([true, [entry]]);
  expect([second.settle(record), recorded.length]).toEqual([true, 1]);
  second.close();

  const third = new Revocations(folder);
  third.enforceWith("device", () => expect.unreachable());
  third.close();
});

test("the file takes no room beyond what it has had from the start, and says so when that is used up", () => {
  const folder = temporaryFolder();
  const revocations = new Revocations(folder);
  const { size } = statSync(join(folder, "revocations"));
  let saved = 0;
  expect(() => {
    for (; ; saved++) revocations.save("session", `${saved}`.padStart(64, "x"), "", diskFull);
  }).toThrow(/until the server restarts.*Make room/s);
  expect(saved).toBeGreaterThan(100);
  expect(statSync(join(folder, "revocations")).size).toBe(size);
  revocations.giveRoom();
  revocations.close();
  const again = new Revocations(folder);
  const keys: string[] = [];
  again.enforceWith("session", (key) => void keys.push(key));
  expect(keys).toHaveLength(saved);
  again.close();
});

test("a line that a power failure cut off does not hide those before it", () => {
  const folder = temporaryFolder();
  const revocations = new Revocations(folder);
  revocations.save("device", "ems_001", "a1", diskFull);
  revocations.close();
  const path = join(folder, "revocations");
  const bytes = readFileSync(path);
  bytes.write('{"revoked":{"kind":"dev', bytes.lastIndexOf("\n") + 1);
  writeFileSync(path, bytes);
  const again = new Revocations(folder);
  const keys: string[] = [];
  again.enforceWith("device", (key) => void keys.push(key));
  expect(keys).toEqual(["ems_001"]);
  again.close();
});

test("an error that is none of the disk's is passed on", () => {
  const revocations = new Revocations(temporaryFolder());
  expect(() =>
    revocations.save("device", "ems_001", "a1", () => {
      throw new TypeError("ours");
    }),
  ).toThrow(TypeError);
  revocations.close();
});
