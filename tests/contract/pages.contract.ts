import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isFullPage, sampleBytes } from "../../packages/server/dist/store/page-bytes.js";
import { PortReader } from "../../packages/server/dist/store/read-port.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { PointSample, SampleKey, SamplesQuery, Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Sent, sampleAt } from "../support/samples.ts";
import { asPoints, type ContractStores, openRange, second, start, sum } from "./contract-stores.ts";

export function pagesContract({ openEmpty, settle }: ContractStores): void {
  describe("pages", () => {
    let store: Store;
    // Bursts of samples at one instant, so that pages end in the middle of one.
    const sent = Array.from({ length: 400 }, (_, i) =>
      sampleAt(start + Math.floor(i / 3) * 20 * second, i, { battery: { soc: i / 4 }, text: { word: `w${i}` } }),
    );
    beforeAll(async () => {
      ({ store } = await openEmpty());
      await store.append([batchOf(sent.slice(0, 300))]);
      await settle(store);
      await store.append([batchOf(sent.slice(300))]);
    });
    afterAll(async () => await store.close());

    test.each(["first", "last"] as const)("from the %s one on give everything exactly once", async (take) => {
      const found: PointSample[] = [];
      let beyond: SampleKey | undefined;
      for (;;) {
        const query: SamplesQuery = {
          registration: firstRegistration("ems_001"),
          ...openRange,
          take,
          limit: 7,
          beyond,
        };
        const page = await store.samples(query);
        if (page.length === 0) break;
        expect(page.length).toBeLessThanOrEqual(7);
        if (take === "first") found.push(...page);
        else found.unshift(...page);
        beyond = take === "first" ? page.at(-1) : page[0];
      }
      expect(found).toEqual(sent.map(asPoints));
    });

    test.each(["first", "last"] as const)(
      "bounded by bytes, from the %s one on, give everything exactly once",
      async (take) => {
        const { store } = await openEmpty();
        // From some bytes to some kilobytes a sample.
        const texts = Array.from({ length: 600 }, (_, i) => {
          const words = Array.from({ length: i % 7 }, (_, at) => [`p${at}`, "x".repeat(i % 250)]);
          return sampleAt(start + i * second, i, { text: { n: i, ...Object.fromEntries(words) } });
        });
        await store.append([batchOf(texts)]);
        const bounds = { limit: 1_000, bytesMax: 20_000 };
        const found: PointSample[] = [];
        let pages = 0;
        for (let beyond: SampleKey | undefined; ; pages++) {
          const page = await store.samples({
            registration: firstRegistration("ems_001"),
            ...openRange,
            take,
            ...bounds,
            beyond,
          });
          const bytes = page.map(sampleBytes);
          // The bound is reached with the last sample of a page, seen from where the page begins, and not before.
          if (take === "last") bytes.reverse();
          expect(sum(bytes.slice(0, -1))).toBeLessThan(bounds.bytesMax);
          expect(isFullPage(page, bounds)).toBe(sum(bytes) >= bounds.bytesMax);
          if (take === "first") found.push(...page);
          else found.unshift(...page);
          beyond = take === "first" ? page.at(-1) : page[0];
          if (!isFullPage(page, bounds)) break;
        }
        expect(found).toEqual(texts.map(asPoints));
        expect(pages).toBeGreaterThan(10);
        const one = await store.samples({
          registration: firstRegistration("ems_001"),
          ...openRange,
          take,
          limit: 5,
          bytesMax: 1,
        });
        expect(one).toHaveLength(1);
        await store.close();
      },
    );

    test("over a port that the store has lent are the same, to several at once, and end with the store", async () => {
      const { store, reopen } = await openEmpty();
      await store.append([batchOf(sent)]);
      const sources = [new PortReader(store.openReadPort()), new PortReader(store.openReadPort())];
      const read = async (source: PortReader): Promise<PointSample[]> => {
        const found: PointSample[] = [];
        for (;;) {
          const page = {
            registration: firstRegistration("ems_001"),
            ...openRange,
            take: "first",
            limit: 90,
            beyond: found.at(-1),
          } as const;
          const samples = await source.samples(page);
          found.push(...samples);
          if (samples.length < 90) return found;
        }
      };
      expect(await Promise.all(sources.map(read))).toEqual(sources.map(() => sent.map(asPoints)));
      await store.close();
      for (const source of sources) await expect(read(source)).rejects.toMatchObject({ code: "store_stopped" });
      await (await reopen()).close();
    });

    test("hold what lies in the half open range, and the asked points alone", async () => {
      const fromMs = (sent[30] as Sent).observedAtMs;
      const toMs = (sent[60] as Sent).observedAtMs;
      const inRange = sent.filter(({ observedAtMs }) => observedAtMs >= fromMs && observedAtMs < toMs);
      const base = { registration: firstRegistration("ems_001"), fromMs, toMs, limit: 1_000 };
      expect(await store.samples({ ...base, take: "first" })).toEqual(inRange.map(asPoints));
      expect(await store.samples({ ...base, take: "last", limit: 5 })).toEqual(inRange.slice(-5).map(asPoints));
      const socs = await store.samples({ ...base, take: "first", points: ["battery.soc", "never.sent"] });
      expect(socs.map(({ points }) => points)).toEqual(
        inRange.map(({ sections }) => ({ "battery.soc": (sections.battery as { soc: number }).soc })),
      );
      expect(await store.samples({ ...base, take: "first", registration: firstRegistration("nobody") })).toEqual([]);
      expect(await store.samples({ ...base, take: "first", toMs: fromMs })).toEqual([]);
    });
  });
}
