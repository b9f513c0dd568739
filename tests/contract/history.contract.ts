import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Sent, sampleAt } from "../support/samples.ts";
import { asPoints, type ContractStores, coverageOf, hour, minute, quarter, second, start } from "./contract-stores.ts";

export function historyContract({ openEmpty, settle }: ContractStores): void {
  describe("the past in buckets", () => {
    let store: Store;
    // Two hours at 1 Hz; minutes 40 to 55 and 95 to 97 are missing; the battery tells its charge every third time only.
    const sent = Array.from({ length: 7_200 }, (_, i) => i)
      .filter((i) => !(i >= 2_400 && i < 3_300) && !(i >= 5_700 && i < 5_820))
      .map((i) =>
        sampleAt(start + hour + i * second, i, {
          grid: { power: Math.round(1_000 * Math.sin(i / 300)) / 2 },
          ...(i % 3 === 0 && { battery: { soc: 20 + i / 100 } }),
          own: { level: i % 7, word: "x" },
        }),
      );
    const times = sent.map(({ observedAtMs }) => observedAtMs);
    const points = ["grid.power", "battery.soc", "own.level", "own.word", "never.sent"];
    beforeAll(async () => {
      ({ store } = await openEmpty());
      await store.append([batchOf(sent)]);
    });
    afterAll(async () => await store.close());

    const spans = [
      {
        what: "seconds",
        fromMs: start + hour + 30 * minute,
        toMs: start + hour + 30 * minute + 45 * second,
        bucketMs: second,
      },
      { what: "minutes", fromMs: start + hour, toMs: start + 3 * hour, bucketMs: minute },
      {
        what: "seven minutes, from and to odd seconds",
        fromMs: start + hour - 100 * second,
        toMs: start + 3 * hour - 77 * second,
        bucketMs: 7 * minute,
      },
      { what: "quarters", fromMs: start, toMs: start + 4 * hour, bucketMs: quarter },
      { what: "hours", fromMs: start, toMs: start + 4 * hour, bucketMs: hour },
      { what: "a day", fromMs: start, toMs: start + 24 * hour, bucketMs: 24 * hour },
      { what: "wider than the span", fromMs: start + hour, toMs: start + 2 * hour, bucketMs: 24 * hour },
      { what: "nothing there", fromMs: start + 30 * hour, toMs: start + 31 * hour, bucketMs: quarter },
    ];
    for (const phase of ["fresh", "kept for good"]) {
      test.each(spans)(`by $what, ${phase}`, async ({ fromMs, toMs, bucketMs }) => {
        if (phase !== "fresh") await settle(store);
        const history = await store.history({
          registration: firstRegistration("ems_001"),
          fromMs,
          toMs,
          bucketMs,
          points,
        });
        const { coveredMs, expectedMs, total } = history;
        expect(await store.coverage({ registration: firstRegistration("ems_001"), fromMs, toMs, bucketMs })).toEqual({
          coveredMs,
          expectedMs,
          total,
        });
        const count = Math.ceil((toMs - fromMs) / bucketMs);
        expect([history.fromMs, history.bucketMs, history.samples.length]).toEqual([fromMs, bucketMs, count]);
        expect(Object.keys(history.points).sort()).toEqual([...points].sort());
        for (let at = 0; at < count; at++) {
          const bucketFromMs = fromMs + at * bucketMs;
          const bucketToMs = Math.min(toMs, bucketFromMs + bucketMs);
          const inBucket = sent.filter(({ observedAtMs }) => observedAtMs >= bucketFromMs && observedAtMs < bucketToMs);
          expect(history.samples[at]).toBe(inBucket.length);
          expect(history.coveredMs[at]).toBe(coverageOf(times, bucketFromMs, bucketToMs, toMs).coveredMs);
          for (const point of points) {
            const values = inBucket
              .map((sample) => asPoints(sample).points[point])
              .filter((value) => typeof value === "number");
            const figures = history.points[point];
            if (values.length === 0) {
              expect([figures?.min[at], figures?.avg[at], figures?.max[at]]).toEqual([null, null, null]);
            } else {
              expect(figures?.min[at]).toBe(Math.min(...values));
              expect(figures?.max[at]).toBe(Math.max(...values));
              expect(figures?.avg[at]).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length, 6);
            }
          }
        }
        expect(history.total).toEqual(coverageOf(times, fromMs, toMs, toMs));
      });
    }

    test("with late samples, as soon as they are acknowledged", async () => {
      const { store: late } = await openEmpty();
      const at = (i: number): Sent => sampleAt(start + i * second, i, { grid: { power: i } });
      const all = Array.from({ length: 1_800 }, (_, i) => at(i));
      await late.append([batchOf(all.filter((_, i) => i % 2 === 0))]);
      await settle(late);
      await late.append([batchOf(all.filter((_, i) => i % 2 === 1))]);
      const query = {
        registration: firstRegistration("ems_001"),
        fromMs: start,
        toMs: start + 2 * quarter,
        bucketMs: quarter,
        points: ["grid.power"],
      };
      const expected = { min: [0, 900], avg: [449.5, 1_349.5], max: [899, 1_799] };
      for (const _ of ["fresh", "kept"]) {
        const history = await late.history(query);
        expect(history.samples).toEqual([900, 900]);
        expect(history.points["grid.power"]).toEqual(expected);
        expect(history.total).toEqual({
          coveredMs: 2 * quarter,
          expectedMs: 2 * quarter,
          expectedFromMs: start,
          gaps: [],
        });
        await settle(late);
      }
      await late.close();
    });
  });
}
