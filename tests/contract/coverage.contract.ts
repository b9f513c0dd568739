import { describe, expect, test } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { batchOf, type Message, sampleAt } from "../support/samples.ts";
import { type ContractStores, hour, minute, quarter, second, start } from "./contract-stores.ts";

const day = 24 * hour;
const registration = firstRegistration("ems_001");

/** One of the device's messages: when, and what it holds. */
type Told = readonly [atMs: number, sections: Message];

/** The one rule for gap, energy and coverage (docs/adr/0066-one-rule-for-what-was-measured.md), which every store must keep. */
export function coverageContract({ openEmpty, settle }: ContractStores): void {
  describe("what is covered", () => {
    /** Asks for the coverage and the energy, before and after the samples are kept for good. */
    async function measure(told: readonly Told[], fromMs: number, toMs: number, asked: object = {}) {
      const { store } = await openEmpty();
      await store.append([batchOf(told.map(([atMs, sections], seq) => sampleAt(atMs, seq, sections)))]);
      const ask = async (bucketMs: number) => {
        const { total } = await store.history({ registration, fromMs, toMs, bucketMs, points: [], ...asked });
        return total;
      };
      const ofRange = [];
      for (const _ of ["fresh", "kept for good"]) {
        const fine = await ask(minute);
        // One rule: buckets of samples and of summaries say the same, and so does energy.
        expect(await ask(quarter)).toEqual(fine);
        const { spans, total } = await store.energy({ registration, edgesMs: [fromMs, toMs], ...asked });
        expect(total).toEqual(fine);
        ofRange.push({ ...total, share: total.coveredMs / total.expectedMs, energy: spans[0]?.energy });
        await settle(store);
      }
      await store.close();
      expect(ofRange[1]).toEqual(ofRange[0]);
      return ofRange[0] as (typeof ofRange)[number];
    }

    const steady: Message = { grid: { power: 400 }, solar: { power: 600 }, load: { power: 1_000 } };
    const every = (stepMs: number, fromMs: number, toMs: number, sections: Message = steady): Told[] =>
      Array.from({ length: Math.floor((toMs - fromMs) / stepMs) + 1 }, (_, i) => [fromMs + i * stepMs, sections]);

    test.each([
      ["a second", second, quarter],
      ["60 seconds", minute, hour],
      ["five minutes", 5 * minute, 6 * hour],
      ["a quarter of an hour", quarter, day],
      ["an hour", hour, day],
    ])("of a device that sends each %s is everything, and its energy is whole", async (_what, stepMs, lengthMs) => {
      const found = await measure(every(stepMs, start, start + lengthMs), start, start + lengthMs);
      expect(found).toMatchObject({ share: 1, gaps: [], expectedMs: lengthMs });
      const hours = lengthMs / hour;
      expect(found.energy?.imported).toBeCloseTo(400 * hours, 3);
      expect(found.energy?.produced).toBeCloseTo(600 * hours, 3);
      expect(found.energy?.consumed).toBeCloseTo(1_000 * hours, 3);
    });

    test("of a device that sends each message twice, or its sections in messages of their own, is everything", async () => {
      const twice = every(minute, start, start + hour).flatMap((each) => [each, each]);
      expect(await measure(twice, start, start + hour)).toMatchObject({ share: 1, gaps: [] });
      for (const stepMs of [second, minute, quarter]) {
        const apart = every(stepMs, start, start + 2 * hour).flatMap(([atMs]): Told[] => [
          [atMs, { grid: { power: 400 } }],
          [atMs + 1, { solar: { power: 600 } }],
          [atMs + 2, { battery: { power: 0 } }],
        ]);
        const found = await measure(apart, start, start + 2 * hour);
        expect(found).toMatchObject({ share: 1, gaps: [] });
        expect(found.energy?.imported).toBeCloseTo(800, 2);
        expect(found.energy?.consumed).toBeCloseTo(2_000, 2);
      }
    });

    test("does not hold a silence of more than three usual steps, whatever is asked for around it", async () => {
      for (const stepMs of [second, minute, quarter]) {
        // From midnight to 03:44 nothing.
        const hole = { fromMs: start - stepMs, toMs: start + 3 * hour + 44 * minute };
        const told = [...every(stepMs, start - 6 * hour, hole.fromMs), ...every(stepMs, hole.toMs, start + 8 * hour)];
        const oneDay = await measure(told, start, start + 8 * hour);
        expect(oneDay.gaps).toEqual([{ fromMs: start, toMs: hole.toMs }]);
        const twoDays = await measure(told, start - 6 * hour, start + 8 * hour);
        expect(twoDays.gaps).toEqual([hole]);
        expect(twoDays.coveredMs).toBe(14 * hour - (hole.toMs - hole.fromMs));
      }
    });

    test("follows a device that changes its step in the course of a day", async () => {
      const told = [
        ...every(quarter, start, start + 8 * hour),
        ...every(second, start + 8 * hour + second, start + 11 * hour),
      ];
      const found = await measure(told, start, start + 11 * hour);
      expect(found).toMatchObject({ share: 1, gaps: [] });
      const missing = told.filter(([atMs]) => atMs < start + 10 * hour || atMs > start + 10 * hour + 10 * minute);
      expect((await measure(missing, start, start + 11 * hour)).gaps).toHaveLength(1);
    });

    test("is held against the time from the registration or the first sample on, until now", async () => {
      const told = every(second, start + hour, start + 2 * hour);
      const asked = { registeredMs: start + hour - 5 * second, nowMs: start + 2 * hour + 3 * second };
      expect(await measure(told, start, start + day, asked)).toMatchObject({
        share: 1,
        gaps: [],
        expectedMs: hour + 8 * second,
      });
      const late = { registeredMs: start, nowMs: start + 4 * hour };
      const { share, gaps } = await measure(told, start, start + day, late);
      expect(share).toBeCloseTo(0.25, 6);
      expect(gaps).toEqual([
        { fromMs: start + 2 * hour, toMs: start + 4 * hour },
        { fromMs: start, toMs: start + hour },
      ]);
      const ahead = { registeredMs: start + 20 * hour, nowMs: start + 4 * hour };
      expect((await measure(told, start + 2 * hour, start + 3 * hour, ahead)).expectedMs).toBe(hour);
      expect(await measure([], start, start + hour, ahead)).toMatchObject({ expectedMs: 0, gaps: [] });
    });

    test("has no energy of what was not measured, and of what was, also where it is nothing", async () => {
      const battery = every(second, start, start + hour, { battery: { power: -100 }, grid: { power: 0 } });
      expect((await measure(battery, start, start + hour)).energy).toMatchObject({
        imported: 0,
        exported: 0,
        charged: 0,
        discharged: expect.closeTo(100, 3),
        produced: null,
        consumed: null,
        selfConsumed: null,
      });
    });

    test("keeps apart what was consumed while nothing was told of the sun", async () => {
      for (const night of [{ solar: { power: null } }, {}]) {
        const told = [
          ...every(minute, start, start + hour, { grid: { power: 500 }, ...night }),
          ...every(minute, start + hour + minute, start + 2 * hour + minute, {
            grid: { power: 500 },
            solar: { power: 100 },
          }),
        ];
        const { energy } = await measure(told, start, start + 3 * hour);
        expect(energy?.consumedWithoutSolar).toBeCloseTo(500 + 550 / 60, 3);
        expect(energy?.consumed).toBeCloseTo(600, 3);
        expect(energy?.produced).toBeCloseTo(100, 3);
      }
    });

    test("holds a state as well: a run goes on over steps that are covered", async () => {
      const { store } = await openEmpty();
      const told = [...every(quarter, start, start + 6 * hour), ...every(quarter, start + 9 * hour, start + 12 * hour)];
      await store.append([
        batchOf(told.map(([atMs], seq) => sampleAt(atMs, seq, { system_status: { state: "IDLE" } }))),
      ]);
      for (const _ of ["fresh", "kept for good"]) {
        const query = {
          registration,
          point: "system_status.state",
          fromMs: start,
          toMs: start + day,
          limit: 10,
        };
        const { runs } = await store.timeline({ ...query, nowMs: start + 12 * hour + 7 * minute });
        expect(runs).toEqual([
          { fromMs: start, toMs: start + 6 * hour, value: "IDLE" },
          { fromMs: start + 9 * hour, toMs: start + 12 * hour + 7 * minute, value: "IDLE" },
        ]);
        await settle(store);
      }
      await store.close();
    });
  });
}
