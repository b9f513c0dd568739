import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { Store } from "../../packages/server/dist/store/store.js";
import { batchOf, sampleAt } from "../support/samples.ts";
import { asPoints, type ContractStores, hour, minute, quarter, second, start } from "./contract-stores.ts";

export function fleetTotalsContract({ openEmpty, settle }: ContractStores): void {
  describe("totals of the fleet", () => {
    let store: Store;
    const devices = ["d1", "d2", "d3"];
    const sent = devices.flatMap((deviceId, d) =>
      Array.from({ length: 1_200 }, (_, i) => i)
        // The second device is silent for a while, the third one tells its power every other time.
        .filter((i) => d !== 1 || i < 500 || i > 800)
        .map((i) =>
          sampleAt(
            start + i * 2 * second,
            i,
            d === 2 && i % 2 === 0 ? { own: { level: i } } : { grid: { power: 100 * d + i }, own: { level: i } },
            { deviceId },
          ),
        ),
    );
    beforeAll(async () => {
      ({ store } = await openEmpty());
      await store.append([batchOf(sent)]);
    });
    afterAll(async () => await store.close());

    for (const phase of ["fresh", "kept for good"]) {
      test.each([
        { point: "grid.power", bucketMs: minute },
        { point: "grid.power", bucketMs: quarter },
        { point: "own.level", bucketMs: 2 * minute },
        { point: "own.level", bucketMs: hour },
        { point: "never.sent", bucketMs: quarter },
      ])(`of $point by $bucketMs ms, ${phase}`, async ({ point, bucketMs }) => {
        if (phase !== "fresh") await settle(store);
        const range = { fromMs: start, toMs: start + hour };
        for (const deviceIds of [devices, ["d3", "nobody"], []]) {
          const totals = await store.fleetTotals({
            registrations: deviceIds.map(firstRegistration),
            ...range,
            point,
            bucketMs,
          });
          const length = hour / bucketMs;
          expect([totals.fromMs, totals.bucketMs, totals.sum.length]).toEqual([start, bucketMs, length]);
          for (let at = 0; at < length; at++) {
            const means = deviceIds.flatMap((deviceId) => {
              const values = sent
                .filter(
                  (sample) =>
                    sample.deviceId === deviceId && Math.floor((sample.observedAtMs - start) / bucketMs) === at,
                )
                .map((sample) => asPoints(sample).points[point])
                .filter((value) => typeof value === "number");
              return values.length === 0 ? [] : [values.reduce((a, b) => a + b, 0) / values.length];
            });
            expect(totals.devices[at]).toBe(means.length);
            if (means.length === 0) expect(totals.sum[at]).toBeNull();
            else
              expect(totals.sum[at]).toBeCloseTo(
                means.reduce((a, b) => a + b, 0),
                6,
              );
          }
        }
      });
    }
  });
}
