import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PointValue } from "../../algebra/point-value.ts";
import type { SampleColumns } from "../../algebra/sample-columns.ts";
import { decodeBlock, encodeBlock } from "./block-codec.ts";

/** Every number that JSON can hold. */
const jsonNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((tenths) => tenths / 10),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((hundredths) => hundredths / 100),
  fc.constantFrom(0, -0, 5e-324, 1.7976931348623157e308, 2 ** 53, -(2 ** 53), 0.1 + 0.2, 1e21, 1e-9),
);
const pointValue = fc.oneof(
  { weight: 6, arbitrary: jsonNumber },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false, undefined) },
  { weight: 1, arbitrary: fc.array(fc.string(), { maxLength: 3 }) },
);
/** Columns of one kind, as devices send them, and columns of all kinds, as only a test does. */
const column = fc.oneof(
  fc.array(jsonNumber, { minLength: 40, maxLength: 40 }),
  fc.array(pointValue, { minLength: 40, maxLength: 40 }),
);

const columns: fc.Arbitrary<SampleColumns> = fc
  .record({
    count: fc.integer({ min: 0, max: 40 }),
    times: fc.array(fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.double({ noNaN: true })), {
      minLength: 40,
      maxLength: 40,
    }),
    epochs: fc.array(fc.maxSafeNat(), { minLength: 40, maxLength: 40 }),
    flags: fc.array(fc.nat(1), { minLength: 40, maxLength: 40 }),
    points: fc.array(fc.tuple(fc.string({ minLength: 1 }), column), { maxLength: 5 }),
  })
  .map(({ count, times, epochs, flags, points }) => ({
    count,
    observedAtMs: times.slice(0, count),
    deviceTimeMs: times.slice(0, count).map((ms, at) => (flags[at] === 1 ? (epochs[at] as number) : ms)),
    receivedAtMs: [...times].reverse().slice(0, count),
    epoch: epochs.slice(0, count),
    seq: times.slice(0, count).map((_, at) => at),
    serverClock: flags.slice(0, count),
    points: new Map(points.map(([name, values]) => [name, (values as (PointValue | undefined)[]).slice(0, count)])),
  }));

/** As plain arrays, so that what matters is compared: the values, −0 included. */
function plain(block: SampleColumns) {
  return {
    count: block.count,
    observedAtMs: Array.from(block.observedAtMs),
    receivedAtMs: Array.from(block.receivedAtMs),
    deviceTimeMs: Array.from(block.deviceTimeMs),
    epoch: Array.from(block.epoch),
    seq: Array.from(block.seq),
    serverClock: Array.from(block.serverClock),
    points: Object.fromEntries([...block.points].map(([name, values]) => [name, Array.from(values)])),
  };
}

describe("the block codec", () => {
  test("gives every number, text, flag, null and missing point back exactly", () => {
    fc.assert(
      fc.property(columns, (block) => {
        expect(plain(decodeBlock(encodeBlock(block)))).toEqual(plain(block));
      }),
      { numRuns: 500 },
    );
  });

  test("holds one sample, and a hundred thousand", () => {
    for (const count of [1, 100_000]) {
      const at = Array.from({ length: count }, (_, index) => 1_769_860_800_000 + index * 1_000);
      const block: SampleColumns = {
        count,
        observedAtMs: at,
        receivedAtMs: at.map((ms) => ms + 3),
        deviceTimeMs: at,
        epoch: at.map(() => 1_769_860_800_000_001),
        seq: at.map((_, index) => index),
        serverClock: at.map(() => 0),
        points: new Map([
          ["battery.voltage", at.map((_, index) => Math.round(5_200 + 100 * Math.sin(index / 50)) / 100)],
        ]),
      };
      expect(plain(decodeBlock(encodeBlock(block)))).toEqual(plain(block));
    }
  });

  test("decodes only what is wanted", () => {
    const points = new Map([
      ["a", [1, 2]],
      ["b", ["x", "y"]],
    ]);
    const block = {
      count: 2,
      observedAtMs: [1, 2],
      receivedAtMs: [1, 2],
      deviceTimeMs: [1, 2],
      epoch: [1, 1],
      seq: [0, 1],
      serverClock: [0, 0],
      points,
    };
    expect([...decodeBlock(encodeBlock(block), new Set(["b"])).points]).toEqual([["b", ["x", "y"]]]);
  });

  test("writes a steady sample with two decimals in about a byte a value", () => {
    const count = 900;
    const walk = (digits: number) => {
      let value = 500;
      return Array.from({ length: count }, (_, at) => {
        value += Math.round(3 * Math.sin(at * at));
        return value / 10 ** digits;
      });
    };
    const at = Array.from({ length: count }, (_, index) => 1_769_860_800_000 + index * 1_000);
    const points = new Map(Array.from({ length: 12 }, (_, index) => [`p.${index}`, walk(index % 3)]));
    const fixed = { epoch: at.map(() => 1), seq: at.map((_, index) => index), serverClock: at.map(() => 0) };
    const block = encodeBlock({ count, observedAtMs: at, receivedAtMs: at, deviceTimeMs: at, ...fixed, points });
    expect(block.length / count / 12).toBeLessThan(1);
  });

  test("reads the blocks of every version there has been, and writes the newest", () => {
    const block: SampleColumns = {
      count: 3,
      observedAtMs: [1_769_860_800_000, 1_769_860_801_000, 1_769_860_802_000],
      receivedAtMs: [1_769_860_800_003, 1_769_860_801_004, 1_769_860_802_002],
      deviceTimeMs: [1_769_860_800_000, 1_769_860_801_000, 1_769_774_402_000.5],
      epoch: [1_769_860_800_000_001, 1_769_860_800_000_001, 1_769_860_800_000_001],
      seq: [0, 1, 2],
      serverClock: [0, 0, 1],
      points: new Map<string, (PointValue | undefined)[]>([
        ["battery.soc", [55.25, 55.3, -0]],
        ["grid.power", [-200.1, -199.9, -199.9]],
        ["system_status.state", ["CHARGING", undefined, null]],
        ["system_status.error_flags", [[], ["E1", "E2"], true]],
      ]),
    };
    const versions = [
      "ASi1L/0g15UFAKQJAwIAgPjkvoJnr+gAAQMABgIBAATAJFG3JhlDAgAAAfXf/LcGBAtiYXR0ZXJ5LnNvYxsEAwCgS0BmpktAAIAKZ3JpZC5wb3dlcggEAwEBoR8EABNzeXN0ZW1fc3RhdHVzLmUSBQEAAQEBAQhDSEFSR0lORwABGWVycm9yX2ZsYWdzGAYCAwECAltdC1siRTEiLCJFMiJdAAEBAQkAlRJGFfYAEmAE6Mbt1a3DCq4ExQs=",
      "Aii1L/0g2OUFALQKAwIAgPjkvoJnr+jkvoJnADABAwAGAgEABMAkUbcmGUMCAAACAAACAQEBAQH13/y3BgQLYmF0dGVyeS5zb2MbBAMAoEtAZqZLQACACmdyaWQucG93ZXIIBAMBAaEfBAATc3lzdGVtX3N0YXR1cy5zdGF0ZRIFAQABAQEBCENIQVJHSU5HAAEZZXJyb3JfZmxhZ3MYBgIDAQICW10LWyJFMSIsIkUyIl0AAQEBBQCtlIQACTAiXPswpDwB",
    ].map((text) => Buffer.from(text, "base64"));
    for (const bytes of versions) expect(plain(decodeBlock(bytes))).toEqual(plain(block));
    const [newest] = versions.slice(-1);
    expect(zstdDecompressSync(encodeBlock(block).subarray(1))).toEqual(
      zstdDecompressSync((newest as Buffer).subarray(1)),
    );
    expect(encodeBlock(block)[0]).toBe(newest?.[0]);
  });

  test("gives times and points of a block whose identity is damaged, and says so when that is asked for", () => {
    const block = encodeBlock({
      count: 2,
      observedAtMs: [1, 2],
      receivedAtMs: [1, 2],
      deviceTimeMs: [1, 2],
      epoch: [1, 1],
      seq: [0, 1],
      serverClock: [0, 0],
      points: new Map([["a", [1, 2]]]),
    });
    const raw = zstdDecompressSync(block.subarray(1));
    // Count, the observed times (kind, scale, two values), the identity's length, whether times stand beside others, the kind of a column.
    const kindAt = 1 + 4 + 1 + 1;
    expect(raw[kindAt]).toBe(1);
    raw[kindAt] = 77;
    const columns = decodeBlock(Buffer.concat([block.subarray(0, 1), zstdCompressSync(raw)]));
    expect(Array.from(columns.observedAtMs)).toEqual([1, 2]);
    expect(Array.from(columns.points.get("a") ?? [])).toEqual([1, 2]);
    expect(() => columns.seq).toThrow("unknown kind 77");
  });

  test("says so when a block is damaged, cut off, or of another version", () => {
    const points = new Map([["a", [1, "x", null]]]);
    const block = encodeBlock({
      count: 3,
      observedAtMs: [1, 2, 3],
      receivedAtMs: [1, 2, 3],
      deviceTimeMs: [1, 2, 3],
      epoch: [1, 1, 1],
      seq: [0, 1, 2],
      serverClock: [0, 0, 0],
      points,
    });
    expect(() => decodeBlock(Buffer.concat([Buffer.of(9), block.subarray(1)]))).toThrow("version 9");
    for (let length = 0; length < block.length; length++)
      expect(() => decodeBlock(block.subarray(0, length))).toThrow();
  });
});
