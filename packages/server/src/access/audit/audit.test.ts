import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync, gzipSync } from "node:zlib";
import { eventually, ManualClock } from "@wattboard/testing";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { Audit, type AuditLimits } from "./audit.ts";

const limits: AuditLimits = { rowsMax: 100_000, archivesMax: 10_000 };

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "wattboard-audit-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function entry(number: number) {
  return {
    who: "person ann",
    address: "10.0.0.1",
    action: "device.add",
    deviceId: `ems_${number}`,
    detail: { number },
  };
}

/** What somebody with the file in hand can do, whom no trigger stops. */
function tamper(path: string, sql: string): void {
  const database = new DatabaseSync(join(path, "audit.db"));
  database.exec("DROP TRIGGER audit_is_append_only; DROP TRIGGER audit_is_kept");
  database.exec(sql);
  database.close();
}

async function faultAfter(sql: string): Promise<string | null> {
  const path = folder();
  const audit = new Audit(path, new ManualClock(), limits);
  for (let number = 1; number <= 20; number++) audit.record(entry(number));
  audit.close();
  tamper(path, sql);
  const again = new Audit(path, new ManualClock(), limits);
  onTestFinished(() => again.close());
  return (await again.verify()).fault;
}

test("a chain that nobody touched is whole, also after it was closed and gone on with", async () => {
  const path = folder();
  const first = new Audit(path, new ManualClock(), limits);
  first.record(entry(1));
  first.recordAll([entry(2), entry(3)]);
  const before = await first.verify();
  first.close();
  const second = new Audit(path, new ManualClock(), limits);
  onTestFinished(() => second.close());
  expect(await second.verify()).toEqual(before);
  second.record(entry(4));
  expect(await second.verify()).toMatchObject({ fault: null, rows: 4, firstSeq: 1, lastSeq: 4 });
  expect((await second.verify()).lastHash).not.toBe(before.lastHash);
});

test.each([
  ["a changed value", "UPDATE audit SET who = 'person bob' WHERE seq = 7", "row 7 was changed"],
  ["a changed time", "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 1", "row 1 was changed"],
  ["a device that became none", "UPDATE audit SET device_id = NULL WHERE seq = 9", "row 9 was changed"],
  ["a changed detail", "UPDATE audit SET detail = '{}' WHERE seq = 9", "row 9 was changed"],
  ["a detail that is no JSON", "UPDATE audit SET detail = '{' WHERE seq = 9", "row 9 was changed"],
  ["a row taken out", "DELETE FROM audit WHERE seq = 7", "after row 6 comes row 8"],
  ["the first row taken out", "DELETE FROM audit WHERE seq = 1", "after row 0 comes row 2"],
  ["a changed hash", "UPDATE audit SET hash = 'x' WHERE seq = 20", "row 20 was changed"],
  [
    "two rows that changed places",
    "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 99",
    "row 3 was changed",
  ],
])("%s is found, and where", async (_, sql, fault) => {
  expect(await faultAfter(sql)).toContain(fault);
});

test("rows can be neither changed nor deleted through the file as it is", () => {
  const path = folder();
  const audit = new Audit(path, new ManualClock(), limits);
  audit.record(entry(1));
  audit.close();
  const database = new DatabaseSync(join(path, "audit.db"));
  onTestFinished(() => database.close());
  expect(() => database.exec("UPDATE audit SET who = 'x'")).toThrow("append-only");
  expect(() => database.exec("DELETE FROM audit")).toThrow("append-only");
});

test("above its bound the oldest rows go into archive files, and the chain goes on through them", async () => {
  const path = folder();
  const clock = new ManualClock();
  const audit = new Audit(path, clock, { rowsMax: 1_500, archivesMax: 10 });
  onTestFinished(() => audit.close());
  audit.recordAll(Array.from({ length: 4_200 }, (_, number) => entry(number)));
  const before = await audit.verify();
  clock.advance(1_000);
  const archives = readdirSync(path).filter((name) => name.endsWith(".gz"));
  expect(archives).toEqual(["audit-000000000001.ndjson.gz", "audit-000000001001.ndjson.gz"]);
  expect(await audit.verify()).toEqual(before);
  expect(audit.list({}, 10_000)).toHaveLength(2_200);

  const file = join(path, "audit-000000001001.ndjson.gz");
  const content = gunzipSync(readFileSync(file)).toString();
  writeFileSync(file, gzipSync(content.replace("ems_1500", "ems_9999")));
  expect((await audit.verify()).fault).toContain("row 1501 was changed");
  writeFileSync(file, "not gzip");
  expect((await audit.verify()).fault).toContain("the archive files end with row 1000");
  rmSync(join(path, "audit-000000000001.ndjson.gz"));
  writeFileSync(file, gzipSync(content));
  // The oldest file may be deleted: what is left is told by its first row.
  expect(await audit.verify()).toMatchObject({ fault: null, rows: 3_200, firstSeq: 1_001 });
});

test("of archive files it keeps as many as it may", async () => {
  const path = folder();
  const clock = new ManualClock();
  const audit = new Audit(path, clock, { rowsMax: 1_000, archivesMax: 2 });
  onTestFinished(() => audit.close());
  audit.recordAll(Array.from({ length: 6_000 }, (_, number) => entry(number)));
  clock.advance(1_000);
  expect(readdirSync(path).filter((name) => name.endsWith(".gz"))).toHaveLength(2);
  expect(await audit.verify()).toMatchObject({ fault: null, firstSeq: 3_001, lastSeq: 6_000 });
});

test("what cannot be written is a failure with a code, and leaves the chain as it was", async () => {
  const path = folder();
  const audit = new Audit(path, new ManualClock(), limits);
  onTestFinished(() => audit.close());
  audit.record(entry(1));
  const blocked = { ...entry(2), detail: { big: 1n } } as never;
  expect(() => audit.recordAll([entry(2), blocked])).toThrow();
  expect(await audit.verify()).toMatchObject({ fault: null, rows: 1 });
  audit.record(entry(3));
  expect(await audit.verify()).toMatchObject({ fault: null, rows: 2 });
});

test("whatever texts come, they come back as they were, cut to their bound, and the chain is whole", async () => {
  const path = folder();
  const audit = new Audit(path, new ManualClock(), limits);
  onTestFinished(() => audit.close());
  const text = fc
    .string({ unit: "grapheme", maxLength: 300 })
    .filter((each) => !each.includes("\0") && each.isWellFormed());
  fc.assert(
    fc.property(text, text, fc.option(text), fc.dictionary(text, fc.jsonValue()), (who, action, deviceId, detail) => {
      audit.record({ who, address: "::1", action, deviceId, detail });
      const [row] = audit.list({}, 1);
      expect(row?.action).toBe(action);
      expect(row?.who.slice(0, 250)).toBe(who.slice(0, 250));
    }),
    { numRuns: 200 },
  );
  expect((await audit.verify()).fault).toBeNull();
});

test("its log is moved into the file when it is quiet, not in the middle of a thousand records, which would wait for the disk", async () => {
  const path = folder();
  const clock = new ManualClock();
  const audit = new Audit(path, clock, limits);
  onTestFinished(() => audit.close());
  const bytesOf = (name: string): number => statSync(join(path, name)).size;
  const bytesBefore = bytesOf("audit.db");
  let number = 0;
  for (let second = 0; second < 3; second++) {
    for (let each = 0; each < 400; each++) audit.record(entry(++number));
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(bytesOf("audit.db")).toBe(bytesBefore);
  expect(bytesOf("audit.db-wal")).toBeGreaterThan(4 * 1024 * 1024);
  await eventually(() => {
    clock.advance(1_000);
    expect(bytesOf("audit.db-wal")).toBe(0);
  });
  expect(bytesOf("audit.db")).toBeGreaterThan(bytesBefore);
  expect(await audit.verify()).toMatchObject({ fault: null, rows: number });
});
