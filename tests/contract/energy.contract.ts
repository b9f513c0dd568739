import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Sent, sampleAt } from "../support/samples.ts";
import { asPoints, type ContractStores, coverageOf, hour, quarter, second, start } from "./contract-stores.ts";

export function energyContract({ openEmpty, settle }: ContractStores): void {
  describe("energy", () => {
    let store: Store;
    // Ten hours at 10 s, all powers crossing zero, over ten hours with a gap of 5 minutes in the third and a silence that ends at a window's edge.
    const sent = Array.from({ length: 3_600 }, (_, i) => i)
      .filter((i) => !(i >= 800 && i < 830) && !(i >= 1_700 && i < 1_800))
      .map((i) => {
        const solar = Math.max(0, Math.round(3_000 * Math.sin(i / 400)));
        return sampleAt(start + 6 * hour + i * 10 * second, i, {
          grid: { power: Math.round(800 * Math.sin(i / 11)) },
          battery: { power: Math.round(500 * Math.cos(i / 17)) },
          solar: { power: solar },
          ...(i < 1_700 && { load: { power: 300 + (i % 90) } }),
        });
      });
    const edges = Array.from({ length: 24 * 4 + 1 }, (_, i) => start + i * quarter);
    beforeAll(async () => {
      ({ store } = await openEmpty());
      await store.append([batchOf(sent)]);
    });
    afterAll(async () => await store.close());

    test.each(["fresh", "kept for good"])("is that of the trapezoids, gaps not bridged (%s)", async (phase) => {
      if (phase !== "fresh") await settle(store);
      const { spans } = await store.energy({
        registration: firstRegistration("ems_001"),
        edgesMs: [start, start + 24 * hour],
      });
      const [day] = spans;
      const expected = energyOf(sent);
      expect(expected.imported).toBeGreaterThan(100);
      for (const [name, wh] of Object.entries(expected)) {
        expect(day?.energy[name as keyof typeof expected], name).toBeCloseTo(wh, 2);
      }
      const times = sent.map(({ observedAtMs }) => observedAtMs);
      expect(day?.coveredMs).toBe(coverageOf(times, start, start + 24 * hour, start + 24 * hour).coveredMs);
    });

    test("agrees at every zoom", async () => {
      const total = async (edgesMs: readonly number[]) => {
        const sum = Object.fromEntries(Object.keys(energyOf([])).map((name) => [name, 0]));
        for (const { energy } of (await store.energy({ registration: firstRegistration("ems_001"), edgesMs })).spans) {
          for (const name of Object.keys(sum))
            sum[name] = (sum[name] as number) + (energy[name as keyof typeof energy] ?? 0);
        }
        return sum;
      };
      const quarters = await total(edges);
      const hours = await total(edges.filter((_, i) => i % 4 === 0));
      const day = await total([start, start + 24 * hour]);
      const uneven = await total([
        start,
        start + 7 * quarter,
        start + 29 * quarter,
        start + 30 * quarter,
        start + 24 * hour,
      ]);
      for (const name of Object.keys(day)) {
        for (const each of [quarters, hours, uneven])
          expect(Math.abs((each[name] as number) - (day[name] as number))).toBeLessThan(1e-6);
      }
    });

    test("of an hour is what was measured in it, with its part of the steps over its edges", async () => {
      const { spans } = await store.energy({
        registration: firstRegistration("ems_001"),
        edgesMs: edges.filter((_, i) => i % 4 === 0),
      });
      for (const { fromMs, toMs, energy } of spans) {
        expect(energy.imported ?? 0).toBeCloseTo(energyOf(sent, fromMs, toMs).imported, 2);
      }
    });

    test("of days that are 23 and 25 hours long, and of India's, is counted from edge to edge", async () => {
      const { store: year } = await openEmpty();
      const from = Date.UTC(2026, 2, 28, 18);
      const constant = Array.from({ length: 54 * 360 }, (_, i) =>
        sampleAt(from + i * 10 * second, i, { grid: { power: 1_000 } }),
      );
      await year.append([batchOf(constant)]);
      await settle(year);
      // Vienna's 29 March 2026, when clocks go forward, and the day after it; then India's 29 March.
      const vienna = [Date.UTC(2026, 2, 28, 23), Date.UTC(2026, 2, 29, 22), Date.UTC(2026, 2, 30, 22)];
      const india = [Date.UTC(2026, 2, 28, 18, 30), Date.UTC(2026, 2, 29, 18, 30)];
      const imported = async (edgesMs: number[]) =>
        (await year.energy({ registration: firstRegistration("ems_001"), edgesMs })).spans.map(
          ({ energy }) => Math.round((energy.imported ?? 0) * 1e3) / 1e3,
        );
      expect(await imported(vienna)).toEqual([23_000, 24_000]);
      expect(await imported(india)).toEqual([24_000]);
      await year.close();
    });

    test("counts a power that is left out as it was last told, for at most 30 seconds", async () => {
      const { store: sparse } = await openEmpty();
      // Told every 30 s for five minutes, and then not any more.
      const samples = Array.from({ length: 60 }, (_, i) =>
        sampleAt(start + i * 10 * second, i, {
          own: { i },
          ...(i < 30 && i % 3 === 0 && { grid: { power: 3_600 } }),
        }),
      );
      await sparse.append([batchOf(samples)]);
      const { spans } = await sparse.energy({
        registration: firstRegistration("ems_001"),
        edgesMs: [start, start + quarter],
      });
      expect(spans[0]?.energy.imported).toBeCloseTo(300, 3);
      await sparse.close();
    });

    test("of nobody, and of no spans, is nothing", async () => {
      expect((await store.energy({ registration: firstRegistration("ems_001"), edgesMs: [] })).spans).toEqual([]);
      const none = await store.energy({
        registration: firstRegistration("nobody"),
        edgesMs: [start, start + hour],
      });
      expect(none.spans).toMatchObject([
        { coveredMs: 0, expectedMs: 0, energy: { imported: null, selfConsumed: null } },
      ]);
    });
  });
}

/** Energy within a range by many small steps along the straight lines between samples, where they are at most 30 s apart. */
function energyOf(
  sent: readonly Sent[],
  fromMs = Number.NEGATIVE_INFINITY,
  toMs = Number.POSITIVE_INFINITY,
): Record<"imported" | "exported" | "charged" | "discharged" | "produced" | "consumed" | "selfConsumed", number> {
  const powers = sent.map((sample) => {
    const points = asPoints(sample).points as Record<string, number>;
    const [grid, battery, solar] = [
      points["grid.power"] ?? 0,
      points["battery.power"] ?? 0,
      points["solar.power"] ?? 0,
    ];
    const load = points["load.power"] ?? Math.max(0, solar + grid - battery);
    return { atMs: sample.observedAtMs, grid, battery, solar, load, used: Math.max(0, solar - Math.max(0, -grid)) };
  });
  const sum = { imported: 0, exported: 0, charged: 0, discharged: 0, produced: 0, consumed: 0, selfConsumed: 0 };
  const steps = 200;
  for (const [i, b] of powers.entries()) {
    const a = powers[i - 1];
    if (a === undefined || b.atMs - a.atMs > 30 * second) continue;
    const hours = (b.atMs - a.atMs) / hour / steps;
    for (let step = 0; step < steps; step++) {
      const part = (step + 0.5) / steps;
      const atMs = a.atMs + (b.atMs - a.atMs) * part;
      if (atMs < fromMs || atMs >= toMs) continue;
      const between = (of: "grid" | "battery" | "solar" | "load" | "used"): number => a[of] + (b[of] - a[of]) * part;
      sum.imported += Math.max(0, between("grid")) * hours;
      sum.exported += Math.max(0, -between("grid")) * hours;
      sum.charged += Math.max(0, between("battery")) * hours;
      sum.discharged += Math.max(0, -between("battery")) * hours;
      sum.produced += between("solar") * hours;
      sum.consumed += between("load") * hours;
      sum.selfConsumed += between("used") * hours;
    }
  }
  return sum;
}
