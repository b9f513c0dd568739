import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runBytes } from "../../packages/server/dist/store/page-bytes.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Sent, sampleAt, type Value } from "../support/samples.ts";
import { asPoints, type ContractStores, second, start } from "./contract-stores.ts";

export function timelineContract({ openEmpty, settle }: ContractStores): void {
  describe("a timeline", () => {
    let store: Store;
    // States in runs of odd lengths over window edges, one sample a 10 s, a silence of 10 minutes within a run, and samples without a state.
    const sent = Array.from({ length: 900 }, (_, i) => i)
      .filter((i) => !(i >= 300 && i < 360))
      .map((i) =>
        sampleAt(start + i * 10 * second, i, {
          system_status: {
            ...(i % 5 !== 4 && { state: i % 170 < 70 ? "CHARGING" : "IDLE" }),
            error_flags: i < 450 ? [] : ["HOT", "DUST"],
          },
          own: { door: i < 30 ? null : i < 600 ? "open" : 1 },
        }),
      );
    beforeAll(async () => {
      ({ store } = await openEmpty());
      await store.append([batchOf(sent)]);
    });
    afterAll(async () => await store.close());

    for (const phase of ["fresh", "kept for good"]) {
      test.each(["system_status.state", "system_status.error_flags", "own.door", "never.sent"])(
        `of %s, ${phase}`,
        async (point) => {
          if (phase !== "fresh") await settle(store);
          const range = { fromMs: start + 100 * second, toMs: start + 8_000 * second };
          const expected = runsOf(sent, point, range);
          const query = { registration: firstRegistration("ems_001"), ...range, point };
          expect(await store.timeline({ ...query, limit: 1_000 })).toEqual({ runs: expected, truncated: false });
          if (expected.length < 2) return;
          const some = await store.timeline({ ...query, limit: 2 });
          expect(some).toEqual({ runs: expected.slice(0, 2), truncated: expected.length > 2 });
          // By bytes too: the bound is reached with the second run.
          const bytesMax = expected.slice(0, 2).reduce((total, { value }) => total + runBytes(value as Value), 0);
          expect(await store.timeline({ ...query, limit: 1_000, bytesMax })).toEqual(some);
        },
      );
    }

    test.each(["x", "\n", "\u20ac", "\0"])(
      "whose runs are larger than was asked for, of %j, says that there are more",
      async (sign) => {
        const { store: own } = await openEmpty();
        const texts = [3_000, 1, 2].map((length) => sign.repeat(length));
        await own.append([batchOf(texts.map((text, i) => sampleAt(start + i * 10 * second, i, { own: { text } })))]);
        const query = {
          registration: firstRegistration("ems_001"),
          point: "own.text",
          fromMs: start,
          toMs: start + 1e6,
        };
        const all = await own.timeline({ ...query, limit: 10 });
        expect(all.runs.map(({ value }) => value)).toEqual(texts);
        const [first, ...others] = all.runs;
        expect(await own.timeline({ ...query, limit: 10, bytesMax: 100 })).toEqual({ runs: [first], truncated: true });
        const bytesMax = all.runs.reduce((total, { value }) => total + runBytes(value), 0);
        expect(await own.timeline({ ...query, limit: 10, bytesMax })).toEqual({
          runs: [first, ...others],
          truncated: false,
        });
        await own.close();
      },
    );
  });
}

/** A run lasts to the sample with another value, or to its last one where nothing came for more than 30 s; the last one to the range's end, else. */
function runsOf(sent: readonly Sent[], point: string, { fromMs, toMs }: { fromMs: number; toMs: number }) {
  const told = sent
    .filter(({ observedAtMs }) => observedAtMs >= fromMs && observedAtMs < toMs)
    .map((sample) => ({ atMs: sample.observedAtMs, value: asPoints(sample).points[point] }))
    .filter(({ value }) => value !== undefined);
  const runs: { fromMs: number; toMs: number; value: unknown }[] = [];
  for (const { atMs, value } of told) {
    const run = runs.at(-1);
    const isNear = run !== undefined && atMs - run.toMs <= 30 * second;
    if (run !== undefined && isNear) run.toMs = atMs;
    if (run === undefined || !isNear || JSON.stringify(run.value) !== JSON.stringify(value))
      runs.push({ fromMs: atMs, toMs: atMs, value });
  }
  const last = runs.at(-1);
  const next = sent.find(({ observedAtMs }) => observedAtMs >= toMs)?.observedAtMs ?? toMs;
  if (last !== undefined && next - last.toMs <= 30 * second) last.toMs = toMs;
  return runs;
}
