import fc from "fast-check";
import { expect, test } from "vitest";
import { readRecords, recordBytes, writeRecord } from "./sample-record.ts";
import type { StoredSample } from "./store.ts";

const samples = fc.array(
  fc.record<StoredSample>({
    key: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
    observedAtMs: fc.double({ noNaN: true }),
    receivedAtMs: fc.double({ noNaN: true }),
    clock: fc.constantFrom("device", "server"),
    epoch: fc.maxSafeNat(),
    seq: fc.nat(0xffff_ffff),
    message: fc.uint8Array({ maxLength: 1_000 }).map((bytes) => Buffer.from(bytes)),
  }),
);

test("records are read as they were written, one behind the other", () => {
  fc.assert(
    fc.property(samples, (written) => {
      const ids = written.map(({ key }) => Buffer.from(key));
      const sizes = written.map((sample, index) => recordBytes(ids[index] ?? Buffer.alloc(0), sample.message));
      const batch = Buffer.alloc(sizes.reduce((sum, size) => sum + size, 0));
      let offset = 0;
      for (const [index, sample] of written.entries()) {
        offset = writeRecord(batch, offset, sample, ids[index] ?? Buffer.alloc(0), sample.message);
      }
      expect(offset).toBe(batch.length);
      expect([...readRecords(batch)]).toEqual(written);
    }),
  );
});

test("a batch that is cut off is an error, not a sample", () => {
  const id = Buffer.from("ems_001");
  const message = Buffer.from("{}");
  const batch = Buffer.alloc(recordBytes(id, message));
  writeRecord(batch, 0, { observedAtMs: 1, receivedAtMs: 2, clock: "device", epoch: 3, seq: 4 }, id, message);
  for (let length = 1; length < batch.length; length++) {
    expect(() => [...readRecords(batch.subarray(0, length))]).toThrow(RangeError);
  }
});
