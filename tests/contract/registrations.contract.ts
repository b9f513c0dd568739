import { describe, expect, test } from "vitest";
import {
  firstRegistration,
  type Registration,
  registrationKey,
} from "../../packages/server/dist/store/registration.js";
import type { Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Message, sampleAt } from "../support/samples.ts";
import { type ContractStores, hour, minute, quarter, second, start } from "./contract-stores.ts";

export function registrationsContract({ openEmpty, settle }: ContractStores): void {
  describe("registrations of one device id", () => {
    const sections = (powerW: number): Message => ({
      grid: { power: powerW },
      system_status: { state: powerW > 100 ? "CHARGING" : "IDLE" },
    });
    const fill = (key: string, fromMs: number, toMs: number, powerW: (ms: number) => number): Buffer => {
      const samples = [];
      for (let ms = fromMs; ms < toMs; ms += 10 * second) {
        samples.push(sampleAt(ms, (ms - start) / second, sections(powerW(ms)), { key }));
      }
      return batchOf(samples);
    };
    const range = { fromMs: start, toMs: start + 3 * hour };
    const points = ["grid.power"];
    const answersOf = async (store: Store, registration: Registration, { fromMs, toMs } = range) => ({
      samples: await store.samples({ registration, fromMs, toMs, take: "first", limit: 10_000 }),
      last: await store.samples({ registration, fromMs, toMs, take: "last", limit: 3 }),
      fine: await store.history({ registration, fromMs, toMs, bucketMs: 7 * minute, points }),
      timeline: await store.timeline({ registration, fromMs, toMs, point: "system_status.state", limit: 100 }),
      totals: await store.fleetTotals({
        registrations: [registration],
        fromMs,
        toMs,
        point: "grid.power",
        bucketMs: 5 * minute,
      }),
    });
    const coarseOf = async (store: Store, registration: Registration) => ({
      history: await store.history({ registration, ...range, bucketMs: hour, points }),
      totals: await store.fleetTotals({
        registrations: [registration],
        ...range,
        point: "grid.power",
        bucketMs: hour,
      }),
    });

    test("have nothing of each other, though their samples have the same times and numbers", async () => {
      const { store } = await openEmpty();
      const [former, again] = [firstRegistration("ems_001"), { key: registrationKey("ems_001", 2), fromMs: 0 }];
      await store.append([
        fill(former.key, start, start + 3 * hour, () => 1_000),
        fill("alone", start + hour, start + 2 * hour, () => 60),
      ]);
      for (const when of ["fresh", "settled"]) {
        expect([when, await store.points(again)]).toEqual([when, []]);
        expect([when, (await answersOf(store, again)).samples]).toEqual([when, []]);
        await settle(store);
      }
      await store.append([fill(again.key, start + hour, start + 2 * hour, () => 60)]);
      const edgesMs = [start, start + hour, start + 2 * hour, start + 3 * hour];
      for (const when of ["fresh", "settled"]) {
        const alone = firstRegistration("alone");
        expect([when, await answersOf(store, again)]).toEqual([when, await answersOf(store, alone)]);
        expect([when, await coarseOf(store, again)]).toEqual([when, await coarseOf(store, alone)]);
        expect([when, await store.energy({ registration: again, edgesMs })]).toEqual([
          when,
          await store.energy({ registration: alone, edgesMs }),
        ]);
        await settle(store);
      }
      expect((await store.latest()).map(({ key }) => key).sort()).toEqual(["alone", former.key, again.key].sort());
      await store.close();
    });

    test("that share a key, as those of earlier versions do, are told apart by the time", async () => {
      const { store } = await openEmpty();
      // In the middle of a window, and of a minute.
      const fromMs = start + hour + 7 * minute + 30 * second;
      const wholeMs = start + hour + quarter;
      const powerW = (ms: number): number => (ms < fromMs ? 1_000 : 50 + ((ms / second) % 70));
      await store.append([
        fill("shared", start, start + 2 * hour, powerW),
        fill("own", fromMs, start + 2 * hour, powerW),
        fill("whole", wholeMs, start + 2 * hour, powerW),
      ]);
      const shared = { key: "shared", fromMs };
      for (const when of ["fresh", "settled"]) {
        expect([when, await answersOf(store, shared)]).toEqual([
          when,
          await answersOf(store, firstRegistration("own")),
        ]);
        const [early, late] = [
          { fromMs: start, toMs: start + hour },
          { fromMs: wholeMs, toMs: start + 2 * hour },
        ];
        expect((await answersOf(store, shared, early)).samples).toEqual([]);
        expect([when, await answersOf(store, shared, late)]).toEqual([
          when,
          await answersOf(store, firstRegistration("own"), late),
        ]);
        // What is made of summaries alone begins with the first whole window.
        expect([when, await coarseOf(store, shared)]).toEqual([
          when,
          await coarseOf(store, firstRegistration("whole")),
        ]);
        const span = (registration: Registration, edgesMs: number[]) => store.energy({ registration, edgesMs });
        const own = await span(firstRegistration("own"), [wholeMs, start + 2 * hour]);
        const { spans } = await span(shared, [start, start + hour, start + 2 * hour]);
        expect(spans.map(({ energy }) => energy.imported)).toEqual([null, own.spans[0]?.energy.imported]);
        const page = { registration: shared, ...range, take: "last", limit: 10_000 } as const;
        expect(
          (await store.samples({ ...page, beyond: { observedAtMs: fromMs + second, epoch: 1, seq: 0 } })).length,
        ).toBe(1);
        await settle(store);
      }
      await store.close();
    });
  });
}
