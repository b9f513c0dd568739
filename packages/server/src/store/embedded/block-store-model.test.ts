import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { windowMs, windowOf } from "../algebra/window.ts";
import { readFleetTotals } from "../questions/fleet-totals.ts";
import { readHistory } from "../questions/history.ts";
import { readSamples } from "../questions/samples.ts";
import { firstRegistration } from "../registration.ts";
import { batchOf, finish, limits, type SentSample, startMs, take } from "./block-store.fixture.ts";
import { BlockStore } from "./block-store.ts";
import { minuteMs } from "./minute-means.ts";
import { Reader } from "./reader.ts";
import { verify } from "./verify.ts";

const folder = mkdtempSync(join(tmpdir(), "wattboard-blocks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Messages of few shapes, so that shapes come again, and change. */
const message = fc.oneof(
  fc.record({
    battery: fc.record({
      soc: fc.integer({ min: 0, max: 1_000 }).map((tenths) => tenths / 10),
      mode: fc.constantFrom("a", "b", null),
    }),
  }),
  fc.record({ grid: fc.record({ power: fc.double({ noNaN: true, noDefaultInfinity: true }) }), extra: fc.boolean() }),
  fc.record({ battery: fc.record({ soc: fc.integer() }), text: fc.string({ unit: "binary", maxLength: 5 }) }),
  fc.record({ load: fc.record({ power: fc.integer({ min: -9_999, max: 9_999 }) }) }),
);

type Step =
  | {
      readonly kind: "samples";
      readonly samples: readonly { device: number; agoMs: number; again: boolean; body: object }[];
    }
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "tidy"; readonly slices: number }
  /** With samples that were acknowledged and not sorted in yet, or without. */
  | { readonly kind: "crash"; readonly isMidway: boolean }
  | { readonly kind: "close" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("samples" as const),
      samples: fc.array(
        fc.record({
          device: fc.nat(2),
          agoMs: fc.oneof({ weight: 4, arbitrary: fc.nat(2_000) }, { weight: 1, arbitrary: fc.nat(3 * windowMs) }),
          again: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
          body: message,
        }),
        { minLength: 1, maxLength: 20 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1_000, max: windowMs }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("tidy" as const), slices: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), isMidway: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: "close" as const }) },
);

describe("the block store", () => {
  test(
    "keeps every sample once and in order through lateness, repeats, upkeep, crashes and restarts",
    () => {
      let run = 0;
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 5, maxLength: 40 }),
          fc.boolean(),
          fc.boolean(),
          (steps, isTight, repeats) => {
            const path = join(folder, `model-${++run}.db`);
            // With hardly any memory every batch becomes parts at once.
            const own = { ...limits, openBytesMax: isTight ? 4_000 : limits.openBytesMax };
            let nowMs = startMs;
            let seq = 0;
            const open = (): BlockStore => new BlockStore(path, own, () => nowMs);
            let store = open();
            const sent: SentSample[] = [];
            // What was sent once must stand there once, so that it is counted without looking at samples.
            const checkAll = (): void => {
              check(store, sent);
              if (!repeats) checkMinutes(store, sent);
            };
            for (const [at, step] of steps.entries()) {
              if (step.kind === "samples") {
                const batch = step.samples.map(({ device, agoMs, again, body }): SentSample => {
                  const earlier = sent[agoMs % Math.max(1, sent.length)];
                  if (repeats && again && earlier !== undefined) return earlier;
                  const key = `ems_00${device}`;
                  const observedAtMs = nowMs - agoMs;
                  const text = JSON.stringify({
                    device_id: key,
                    timestamp: new Date(observedAtMs).toISOString(),
                    ...body,
                  });
                  return { key, observedAtMs, epoch: startMs, seq: seq++, message: text };
                });
                const next = steps[at + 1];
                if (next?.kind === "crash" && next.isMidway) store.append(batchOf(batch));
                else take(store, batchOf(batch));
                sent.push(...batch);
              } else if (step.kind === "time") nowMs += step.ms;
              else if (step.kind === "tidy") for (let slice = 0; slice < step.slices; slice++) store.compactStep(1);
              else {
                if (step.kind === "crash") store.tables.close();
                else store.close();
                store = open();
                checkAll();
              }
            }
            checkAll();
            store.compactAll();
            checkAll();
            expect(finish(verify(store, () => {}))).toEqual({ faults: [], unchecked: 0 });
            store.close();
            rmSync(path);
          },
        ),
        { numRuns: 150 },
      );
    },
    60_000 * Number(process.env.TEST_PATIENCE ?? 1),
  );
});

function check(store: BlockStore, sent: readonly SentSample[]): void {
  for (const key of new Set(sent.map((sample) => sample.key))) {
    const distinct = new Map(sent.filter((sample) => sample.key === key).map((sample) => [sample.seq, sample]));
    const expected = [...distinct.values()].sort((a, b) => a.observedAtMs - b.observedAtMs || a.seq - b.seq);
    const range = { registration: firstRegistration(key), fromMs: startMs - 1e9, toMs: startMs + 1e9 };
    const found = finish(readSamples(new Reader(store.windows), { ...range, take: "first", limit: 1e6 }));
    expect(found.map(({ observedAtMs, seq, points }) => ({ observedAtMs, seq, points }))).toEqual(
      expected.map(({ observedAtMs, seq, message }) => ({ observedAtMs, seq, points: flat(JSON.parse(message)) })),
    );
    const { samples } = finish(
      readHistory(new Reader(store.windows), {
        ...range,
        points: [],
        bucketMs: 1_000 * windowMs,
        fromMs: 0,
        toMs: 2_000_000 * windowMs,
      }),
    );
    expect(samples.reduce((sum, count) => sum + count, 0)).toBe(expected.length);
    checkWindows(store, key, expected);
    const newest = store.latest().find((sample) => sample.key === key);
    expect(newest?.observedAtMs).toBe(expected.at(-1)?.observedAtMs);
  }
}

/** Compares a chart of windows, of which some are sealed and some are not, with what was sent. */
function checkWindows(store: BlockStore, key: string, sent: readonly SentSample[]): void {
  const times = sent.map(({ observedAtMs }) => observedAtMs);
  const fromMs = windowOf(Math.min(...times)) * windowMs;
  const toMs = windowOf(Math.max(...times) + windowMs) * windowMs;
  const query = { registration: firstRegistration(key), points: ["load.power"], fromMs, toMs, bucketMs: windowMs };
  const { samples, points } = finish(readHistory(new Reader(store.windows), query));
  for (const [at, count] of samples.entries()) {
    const inside = sent.filter(({ observedAtMs }) => windowOf(observedAtMs - fromMs) === at);
    expect(count).toBe(inside.length);
    const powers = inside.flatMap(({ message }) => flat(JSON.parse(message))["load.power"] ?? []) as number[];
    expect(points["load.power"]?.min[at]).toBe(powers.length === 0 ? null : Math.min(...powers));
    expect(points["load.power"]?.max[at]).toBe(powers.length === 0 ? null : Math.max(...powers));
    const mean = powers.reduce((sum, power) => sum + power, 0) / powers.length;
    if (powers.length > 0) expect(points["load.power"]?.avg[at]).toBeCloseTo(mean, 6);
  }
}

/** Compares the minutes of each device, which are added up without their samples, and the fleet's sum with what was sent. */
function checkMinutes(store: BlockStore, sent: readonly SentSample[]): void {
  const keys = [...new Set(sent.map(({ key }) => key))];
  const fromMs = windowOf(Math.min(...sent.map(({ observedAtMs }) => observedAtMs))) * windowMs;
  const toMs = windowOf(Math.max(...sent.map(({ observedAtMs }) => observedAtMs)) + windowMs) * windowMs;
  const length = keys.length === 0 ? 0 : (toMs - fromMs) / minuteMs;
  const fleet = Array.from({ length }, () => ({ sum: 0, devices: 0 }));
  for (const key of keys) {
    const expected = fleet.map(() => ({ sum: 0, count: 0 }));
    for (const { observedAtMs, message } of sent.filter((sample) => sample.key === key)) {
      const minute = expected[Math.floor((observedAtMs - fromMs) / minuteMs)];
      const power: unknown = flat(JSON.parse(message))["load.power"];
      if (minute === undefined || typeof power !== "number") continue;
      minute.sum += power;
      minute.count++;
    }
    const found = expected.map(() => ({ sum: 0, count: 0 }));
    const range = [windowOf(fromMs), windowOf(toMs)] as const;
    for (const [window, { sums, counts }] of store.windows.minutes(firstRegistration(key), ...range, "load.power")) {
      const first = (window * windowMs - fromMs) / minuteMs;
      for (const [at, count] of counts.entries()) found[first + at] = { sum: sums[at] as number, count };
    }
    expect(found).toEqual(expected);
    for (const [at, { sum, count }] of expected.entries()) {
      const bucket = fleet[at];
      if (count === 0 || bucket === undefined) continue;
      bucket.sum += sum / count;
      bucket.devices++;
    }
  }
  const registrations = keys.map(firstRegistration);
  const query = { registrations, point: "load.power", fromMs, toMs: fromMs + length * minuteMs, bucketMs: minuteMs };
  const totals = finish(readFleetTotals(new Reader(store.windows), query));
  expect(totals.devices).toEqual(fleet.map(({ devices }) => devices));
  for (const [at, sum] of totals.sum.entries()) {
    if (sum === null) expect(fleet[at]?.devices).toBe(0);
    else expect(sum).toBeCloseTo(fleet[at]?.sum as number, 6);
  }
}

function flat(telemetry: Record<string, unknown>): Record<string, unknown> {
  const points: Record<string, unknown> = {};
  for (const [section, body] of Object.entries(telemetry)) {
    if (section === "device_id" || section === "timestamp") continue;
    if (typeof body !== "object" || body === null) points[section] = body;
    else for (const [field, value] of Object.entries(body)) points[`${section}.${field}`] = value;
  }
  return points;
}
