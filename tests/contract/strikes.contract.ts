import { describe, expect, test } from "vitest";
import { firstRegistration, type Registration } from "../../packages/server/dist/store/registration.js";
import type { Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Message, sampleAt } from "../support/samples.ts";
import { type ContractStores, hour, minute, now, quarter, second, start } from "./contract-stores.ts";

export function strikesContract({ openEmpty, everything, settle }: ContractStores): void {
  describe("strikes", () => {
    const own = firstRegistration("ems_001");
    const order = { points: ["grid.power"], atMs: now, by: "somebody" };
    const importedOf = async (store: Store, registration: Registration, toMs = start + hour): Promise<number> => {
      const { spans } = await store.energy({ registration, edgesMs: [start, toMs] });
      return Math.round(spans[0]?.energy.imported ?? -1);
    };

    test("take values out of samples, charts and sums, before and after upkeep, until they are undone", async () => {
      const { store, reopen } = await openEmpty();
      const count = 1_200;
      const sent = Array.from({ length: count }, (_, i) =>
        sampleAt(start + i * second, i, { grid: { power: i === 600 ? 1e9 : 3_600 }, heater: { mode: "eco" } }),
      );
      await store.append([batchOf(sent)]);
      const strike = { ...order, fromMs: start + 600 * second, toMs: start + 601 * second };
      const asked = async (of: Store) => {
        const range = { registration: own, fromMs: start, toMs: start + hour };
        const wide = await of.history({ ...range, points: ["grid.power"], bucketMs: quarter });
        const narrow = await of.history({ ...range, points: ["grid.power"], bucketMs: minute });
        const totals = { fromMs: start, toMs: start + hour, point: "grid.power" };
        const fleet = await of.fleetTotals({ registrations: [own], ...totals, bucketMs: minute });
        return {
          imported: await importedOf(of, own),
          wide: wide.points["grid.power"]?.max[0],
          narrow: narrow.points["grid.power"]?.max[10],
          fleet: fleet.sum[10],
          values: (await everything(of)).slice(599, 602).map(({ points }) => points["grid.power"]),
          modes: new Set((await everything(of)).map(({ points }) => points["heater.mode"])),
        };
      };
      const coverage = async (of: Store) =>
        (await of.energy({ registration: own, edgesMs: [start, start + hour] })).total;
      const right = {
        // Two seconds of 3,600 W are missing: 2 Wh of a watt-hour a second.
        imported: count - 1 - 2,
        wide: 3_600,
        narrow: 3_600,
        fleet: 3_600,
        values: [3_600, null, 3_600],
        modes: new Set(["eco"]),
      };
      const wrong = await asked(store);
      expect(wrong.imported).toBeGreaterThan(100_000);
      const covered = await coverage(store);
      const made = await store.strike(own, strike);
      expect(await asked(store)).toEqual(right);
      await settle(store);
      expect(await asked(store)).toEqual(right);
      // The device was there and measured: only what it said is wrong.
      expect(await coverage(store)).toEqual(covered);
      await store.close();
      const again = await reopen();
      expect(await asked(again)).toEqual(right);
      expect(await again.strikes(own)).toEqual([made]);
      expect(await again.strikes(firstRegistration("ems_002"))).toEqual([]);
      // Two that reach over the same value: it counts again when neither is left.
      const other = await again.strike(own, { ...strike, points: null });
      expect(await again.unstrike(own, made.number)).toEqual(made);
      expect((await asked(again)).values).toEqual([3_600, null, 3_600]);
      expect((await asked(again)).modes).toEqual(new Set(["eco", null]));
      expect(await again.unstrike(firstRegistration("ems_002"), other.number)).toBe(null);
      await again.unstrike(own, other.number);
      expect(await asked(again)).toEqual(wrong);
      await settle(again);
      expect(await asked(again)).toEqual(wrong);
      await again.close();
    });

    test("take both steps to a value out of the energy of a device that sends each minute, also across windows", async () => {
      const { store } = await openEmpty();
      // The wrong one is the first of its window, so that a step from another window leads to it.
      const sent = Array.from({ length: 61 }, (_, i) =>
        sampleAt(start + i * minute, i, { grid: { power: i === 15 ? 1e9 : 6_000 } }),
      );
      await store.append([batchOf(sent)]);
      await settle(store);
      const strike = { ...order, fromMs: start + 15 * minute, toMs: start + 16 * minute };
      const { number } = await store.strike(own, strike);
      for (const _ of ["before upkeep", "after it"]) {
        // 100 Wh a minute, and two of the sixty are not known.
        expect(await importedOf(store, own)).toBe(5_800);
        await settle(store);
      }
      await store.unstrike(own, number);
      await settle(store);
      expect(await importedOf(store, own)).toBeGreaterThan(1_000_000);
      await store.close();
    });

    test("hold for samples that come later into their range, until they are undone", async () => {
      const { store } = await openEmpty();
      const sent = Array.from({ length: 61 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: 3_600 } }));
      await store.append([batchOf(sent.filter((_, i) => i < 20 || i > 40))]);
      const { number } = await store.strike(own, { ...order, fromMs: start + 10 * second, toMs: start + 50 * second });
      await store.append([batchOf(sent)]);
      for (const _ of ["before upkeep", "after it"]) {
        const known = (await everything(store)).filter(({ points }) => points["grid.power"] !== null);
        expect([known.length, await importedOf(store, own)]).toEqual([21, 19]);
        await settle(store);
      }
      await store.unstrike(own, number);
      expect([(await everything(store)).length, await importedOf(store, own)]).toEqual([61, 60]);
      await store.close();
    });

    test("hold for samples that come at the same moment, and what comes while one is undone is there", async () => {
      const { store } = await openEmpty();
      const batch = (round: number) =>
        batchOf(
          Array.from({ length: 300 }, (_, i) =>
            sampleAt(start + i * second, round * 300 + i, { grid: { power: 3_600 } }, { epoch: round + 1 }),
          ),
        );
      const known = async (): Promise<number> =>
        (await everything(store)).filter(({ points }) => points["grid.power"] !== null).length;
      for (let round = 0; round < 10; round += 2) {
        const range = { fromMs: start, toMs: start + hour };
        const [{ number }] = await Promise.all([
          store.strike(own, { ...order, ...range }),
          store.append([batch(round)]),
        ]);
        expect(await known()).toBe(0);
        await Promise.all([store.unstrike(own, number), store.append([batch(round + 1)])]);
        expect(await known()).toBe((round + 2) * 300);
      }
      await store.close();
    });

    test("reach nothing that another registration of the id sent", async () => {
      const { store } = await openEmpty();
      const sections: Message = { grid: { power: 3_600 } };
      const fill = (key: string) =>
        batchOf(Array.from({ length: 61 }, (_, i) => sampleAt(start + i * second, i, sections, { deviceId: key })));
      await store.append([fill("ems_001"), fill("ems_001#2")]);
      await settle(store);
      const second2 = { key: "ems_001#2", fromMs: 0 };
      const all = { ...order, points: null, fromMs: start, toMs: start + hour };
      const made = await store.strike(second2, all);
      expect([await importedOf(store, second2), await importedOf(store, own)]).toEqual([-1, 60]);
      expect([await store.strikes(own), await store.unstrike(own, made.number)]).toEqual([[], null]);
      expect(await store.unstrike(second2, made.number)).toEqual(made);

      // The two share a key; it is this one's from the thirtieth second on.
      const shared = { key: "ems_001", fromMs: start + 30 * second };
      const late = await store.strike(shared, all);
      expect(late.fromMs).toBe(shared.fromMs);
      for (const _ of ["before upkeep", "after it"]) {
        expect(await importedOf(store, own)).toBe(29);
        await settle(store);
      }
      const early = { ...all, toMs: shared.fromMs };
      const former = await store.strike(own, early);
      expect(await store.strikes(shared)).toEqual([late]);
      expect(await store.unstrike(shared, former.number)).toBe(null);
      expect(await importedOf(store, own)).toBe(-1);
      await store.close();
    });
  });
}
