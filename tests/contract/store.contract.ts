import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isFullPage, runBytes, sampleBytes } from "../../packages/server/dist/store/page-bytes.js";
import { PortReader, type StoreReader } from "../../packages/server/dist/store/read-port.js";
import type { PointSample, SampleKey, SamplesQuery, Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Message, type Sent, sampleAt, type Value } from "../support/samples.ts";

export interface StoreHarness {
  /** Opens the store that belongs to the folder, making it where there is none. It is to take `nowMs` for the present. */
  open(folder: string, nowMs: number): Promise<Store>;
  /** Has the store do its upkeep: what is over is kept as it will be for good. */
  settle(store: Store): Promise<void>;
}

const second = 1_000;
const minute = 60_000;
const quarter = 15 * minute;
const hour = 60 * minute;
/** The start of a day in UTC; all samples are from here on, and the store's present is a week later. */
const start = Date.UTC(2026, 2, 28);
const now = start + 7 * 24 * hour;
const openRange = { fromMs: 0, toMs: now };

/**
 * What every store does. The references are computed from what was sent, in the plainest way; each question about the past is asked while
 * the samples are fresh, once more after the store's upkeep, and where it matters after it was closed and opened again.
 */
export function storeContract(name: string, { open, settle }: StoreHarness): void {
  describe(`the store's contract: ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "wattboard-contract-"));
    let folders = 0;
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    async function openEmpty(): Promise<{ store: Store; reopen: () => Promise<Store> }> {
      const own = join(folder, String(++folders));
      return { store: await open(own, now), reopen: () => open(own, now) };
    }

    async function everything(store: Store, deviceId = "ems_001"): Promise<PointSample[]> {
      return await store.samples({ deviceId, ...openRange, take: "first", limit: 1_000_000 });
    }

    describe("samples", () => {
      test("are there once they are acknowledged, in order, with both times, and after a restart too", async () => {
        const { store, reopen } = await openEmpty();
        const sent = Array.from({ length: 50 }, (_, i) => sampleAt(start + i * second, i, { battery: { soc: i } }));
        await store.append([batchOf(sent)]);
        expect(await everything(store)).toEqual(sent.map(asPoints));
        await store.close();
        const again = await reopen();
        expect(await everything(again)).toEqual(sent.map(asPoints));
        await again.close();
      });

      test("are kept once, however often they are offered", async () => {
        const { store, reopen } = await openEmpty();
        const sent = Array.from({ length: 30 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: i } }));
        const batch = batchOf(sent);
        await store.append([batch]);
        await store.append([batch]);
        await store.append([batch, batch]);
        await store.append([batchOf(sent.slice(10)), batchOf(sent.slice(0, 20))]);
        expect(await everything(store)).toEqual(sent.map(asPoints));
        await settle(store);
        await store.append([batch]);
        await settle(store);
        expect(await everything(store)).toEqual(sent.map(asPoints));
        expect((await store.info()).samples).toBe(30);
        await store.close();
        const again = await reopen();
        await again.append([batch]);
        expect(await everything(again)).toEqual(sent.map(asPoints));
        expect((await again.info()).samples).toBe(30);
        await again.close();
      });

      test("of one instant are told apart by epoch and seq, and of one seq by the epoch", async () => {
        const { store } = await openEmpty();
        const sent = [
          sampleAt(start, 0, { battery: { soc: 1 } }),
          sampleAt(start, 1, { battery: { soc: 2 } }),
          sampleAt(start, 0, { battery: { soc: 3 } }, { epoch: 2 }),
          sampleAt(start, 0, { battery: { soc: 4 } }, { deviceId: "ems_002" }),
        ];
        await store.append([batchOf([...sent].reverse())]);
        expect(await everything(store)).toEqual(sent.slice(0, 3).map(asPoints));
        expect(await everything(store, "ems_002")).toEqual(sent.slice(3).map(asPoints));
        await store.close();
      });

      test("that come late take their place by measured time, also among those kept for good", async () => {
        const { store } = await openEmpty();
        const all = Array.from({ length: 120 }, (_, i) =>
          sampleAt(start + i * minute, i, { battery: { soc: i / 2 }, late: { [`p${i % 3}`]: i } }),
        );
        await store.append([batchOf(all.filter((_, i) => i % 4 === 0))]);
        await settle(store);
        await store.append([batchOf(all.filter((_, i) => i % 4 === 3).reverse())]);
        expect(await everything(store)).toEqual(all.filter((_, i) => i % 4 === 0 || i % 4 === 3).map(asPoints));
        await settle(store);
        await store.append([batchOf(all.filter((_, i) => i % 4 === 1 || i % 4 === 2))]);
        expect(await everything(store)).toEqual(all.map(asPoints));
        await settle(store);
        expect(await everything(store)).toEqual(all.map(asPoints));
        await store.close();
      });

      test("under the server's clock keep the time that the device told", async () => {
        const { store, reopen } = await openEmpty();
        const sent = [
          sampleAt(
            start,
            0,
            { battery: { soc: 1 } },
            { clock: "server", deviceTimeMs: Date.UTC(1999, 11, 31, 23, 59, 59, 999) },
          ),
          sampleAt(
            start + second,
            1,
            { battery: { soc: 2 } },
            { clock: "server", deviceTimeMs: Date.UTC(2099, 0, 1, 0, 0, 0, 1) },
          ),
          sampleAt(start + 2 * second + 1, 2, { battery: { soc: 3 } }),
        ];
        await store.append([batchOf(sent)]);
        await settle(store);
        await store.close();
        const again = await reopen();
        expect(await everything(again)).toEqual(sent.map(asPoints));
        await again.close();
      });

      test("are read before append returns: the caller may fill its buffers anew at once", async () => {
        const { store } = await openEmpty();
        const sent = [sampleAt(start, 0, { battery: { soc: 55 } })];
        const batch = batchOf(sent);
        const appended = store.append([batch]);
        batch.fill(0);
        await appended;
        expect(await everything(store)).toEqual(sent.map(asPoints));
        await store.close();
      });

      test("of one hand-over are stored all or not at all, and the store goes on", async () => {
        const { store } = await openEmpty();
        const good = batchOf([sampleAt(start, 0, { battery: { soc: 1 } })]);
        await expect(store.append([good, good.subarray(0, good.length - 1)])).rejects.toThrow();
        expect(await everything(store)).toEqual([]);
        await store.append([good]);
        expect(await everything(store)).toHaveLength(1);
        await store.close();
      });

      test("come back exactly as they were sent: every kind of value, points that appear and vanish", async () => {
        const { store, reopen } = await openEmpty();
        const runs: Sent[][] = [];
        await fc.assert(
          fc.asyncProperty(fc.array(anyMessage, { minLength: 1, maxLength: 12 }), async (messages) => {
            const deviceId = `any_${runs.length}`;
            const sent = messages.map((sections, i) => sampleAt(start + i * second, i, sections, { deviceId }));
            runs.push(sent);
            await store.append([batchOf(sent)]);
            expect(await everything(store, deviceId)).toEqual(sent.map(asPoints));
          }),
          { numRuns: 60 },
        );
        await settle(store);
        for (const sent of runs) {
          expect(await everything(store, (sent[0] as Sent).deviceId)).toEqual(sent.map(asPoints));
        }
        await store.close();
        const again = await reopen();
        for (const sent of runs) {
          expect(await everything(again, (sent[0] as Sent).deviceId)).toEqual(sent.map(asPoints));
        }
        expect(await again.verify(() => {})).toEqual({ faults: [], unchecked: 0 });
        await again.close();
      });
    });

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
          const query: SamplesQuery = { deviceId: "ems_001", ...openRange, take, limit: 7, beyond };
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
            const page = await store.samples({ deviceId: "ems_001", ...openRange, take, ...bounds, beyond });
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
          const one = await store.samples({ deviceId: "ems_001", ...openRange, take, limit: 5, bytesMax: 1 });
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
            const page = { deviceId: "ems_001", ...openRange, take: "first", limit: 90, beyond: found.at(-1) } as const;
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
        const base = { deviceId: "ems_001", fromMs, toMs, limit: 1_000 };
        expect(await store.samples({ ...base, take: "first" })).toEqual(inRange.map(asPoints));
        expect(await store.samples({ ...base, take: "last", limit: 5 })).toEqual(inRange.slice(-5).map(asPoints));
        const socs = await store.samples({ ...base, take: "first", points: ["battery.soc", "never.sent"] });
        expect(socs.map(({ points }) => points)).toEqual(
          inRange.map(({ sections }) => ({ "battery.soc": (sections.battery as { soc: number }).soc })),
        );
        expect(await store.samples({ ...base, take: "first", deviceId: "nobody" })).toEqual([]);
        expect(await store.samples({ ...base, take: "first", toMs: fromMs })).toEqual([]);
      });
    });

    describe("the newest sample of each device", () => {
      test("is the newest by measured time, as it came, and is there after a restart", async () => {
        const { store, reopen } = await openEmpty();
        const first = sampleAt(start + hour, 5, { battery: { soc: 50 } }, { deviceId: "a" });
        const newer = sampleAt(start + 2 * hour, 6, { battery: { soc: 60 } }, { deviceId: "a" });
        const late = sampleAt(start, 7, { battery: { soc: 70 } }, { deviceId: "a" });
        const other = { ...sampleAt(start, 0, {}, { deviceId: "b" }), clock: "server" as const };
        const odd = {
          ...other,
          message: Buffer.from('{ "device_id":"b", "timestamp":"2026-03-28T00:00:00Z", "grid":{"power":1.50} }'),
        };
        const latest = async (from: Store) =>
          (await from.latest()).sort((a, b) => a.deviceId.localeCompare(b.deviceId));
        const asStored = ({ sections: _, deviceTimeMs: __, ...rest }: Sent) => ({
          ...rest,
          message: rest.message.toString(),
        });
        const readable = async (from: Store) =>
          (await latest(from)).map((sample) => ({ ...sample, message: Buffer.from(sample.message).toString() }));

        expect(await latest(store)).toEqual([]);
        await store.append([batchOf([newer, first, odd])]);
        expect(await readable(store)).toEqual([newer, odd].map(asStored));
        await store.append([batchOf([late])]);
        expect(await readable(store)).toEqual([newer, odd].map(asStored));
        await settle(store);
        const newest = sampleAt(start + 3 * hour, 0, { battery: { soc: 80 } }, { deviceId: "a", epoch: 2 });
        await store.append([batchOf([newest])]);
        await store.close();
        const again = await reopen();
        expect(await readable(again)).toEqual([newest, odd].map(asStored));
        await again.close();
      });

      test("of those measured at one instant is the one that came last", async () => {
        const { store } = await openEmpty();
        const sent = [0, 1, 2].map((seq) => sampleAt(start, seq, { battery: { soc: seq } }));
        await store.append([batchOf(sent)]);
        expect((await store.latest()).map(({ seq }) => seq)).toEqual([2]);
        await store.append([batchOf([sampleAt(start, 0, { battery: { soc: 9 } }, { epoch: 2 })])]);
        expect((await store.latest()).map(({ epoch }) => epoch)).toEqual([2]);
        await store.close();
      });
    });

    test("the points of a device are listed as they first came, with the kinds of their values", async () => {
      const { store, reopen } = await openEmpty();
      await store.append([batchOf([sampleAt(start, 0, { battery: { soc: 1 }, own: { b: null, a: "x" } })])]);
      await store.append([
        batchOf([sampleAt(start + second, 1, { grid: { power: 2 }, own: { b: 1, a: true }, plain: 5 })]),
        batchOf([sampleAt(start, 0, { other: { x: 1 } }, { deviceId: "ems_002" })]),
      ]);
      await settle(store);
      await store.append([
        batchOf([sampleAt(start + 2 * second, 2, { system_status: { error_flags: ["A"] }, own: { b: 2 } })]),
      ]);
      const expected = [
        { name: "battery.soc", kinds: ["number"] },
        { name: "own.b", kinds: ["number"] },
        { name: "own.a", kinds: ["text", "boolean"] },
        { name: "grid.power", kinds: ["number"] },
        { name: "plain", kinds: ["number"] },
        { name: "system_status.error_flags", kinds: ["list"] },
      ];
      expect(await store.points("ems_001")).toEqual(expected);
      expect(await store.points("nobody")).toEqual([]);
      await store.close();
      const again = await reopen();
      expect(await again.points("ems_001")).toEqual(expected);
      await again.close();
    });

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
          const history = await store.history({ deviceId: "ems_001", fromMs, toMs, bucketMs, points });
          const count = Math.ceil((toMs - fromMs) / bucketMs);
          expect([history.fromMs, history.bucketMs, history.samples.length]).toEqual([fromMs, bucketMs, count]);
          expect(Object.keys(history.points).sort()).toEqual([...points].sort());
          for (let at = 0; at < count; at++) {
            const bucketFromMs = fromMs + at * bucketMs;
            const bucketToMs = Math.min(toMs, bucketFromMs + bucketMs);
            const inBucket = sent.filter(
              ({ observedAtMs }) => observedAtMs >= bucketFromMs && observedAtMs < bucketToMs,
            );
            expect(history.samples[at]).toBe(inBucket.length);
            expect(history.coverage[at]).toBeCloseTo((inBucket.length * second) / (bucketToMs - bucketFromMs), 6);
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
          expect(history.total.gaps).toEqual(gapsOf(times, fromMs, toMs));
          const there = times.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
          expect(history.total.share).toBeCloseTo((there * second) / (toMs - fromMs), 6);
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
          deviceId: "ems_001",
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
          expect(history.total).toEqual({ share: 1, gaps: [] });
          await settle(late);
        }
        await late.close();
      });
    });

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
        const [day] = await store.energy({ deviceId: "ems_001", edgesMs: [start, start + 24 * hour] });
        const expected = energyOf(sent);
        expect(expected.imported).toBeGreaterThan(100);
        for (const [name, wh] of Object.entries(expected)) {
          expect(day?.energy[name as keyof typeof expected], name).toBeCloseTo(wh, 2);
        }
        expect(day?.coverage).toBeCloseTo((sent.length * 10 * second) / (24 * hour), 6);
      });

      test("agrees at every zoom", async () => {
        const total = async (edgesMs: readonly number[]) => {
          const sum = Object.fromEntries(Object.keys(energyOf([])).map((name) => [name, 0]));
          for (const { energy } of await store.energy({ deviceId: "ems_001", edgesMs })) {
            for (const name of Object.keys(sum))
              sum[name] = (sum[name] as number) + energy[name as keyof typeof energy];
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

      test("of an hour is what was measured in it and on the way into it", async () => {
        const spans = await store.energy({ deviceId: "ems_001", edgesMs: edges.filter((_, i) => i % 4 === 0) });
        for (const { fromMs, toMs, energy } of spans) {
          const first = sent.findIndex(({ observedAtMs }) => observedAtMs >= fromMs);
          const inside = sent.filter(({ observedAtMs }) => observedAtMs >= fromMs && observedAtMs < toMs);
          const before = first > 0 && inside.length > 0 ? [sent[first - 1] as Sent] : [];
          expect(energy.imported).toBeCloseTo(energyOf([...before, ...inside]).imported, 2);
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
          (await year.energy({ deviceId: "ems_001", edgesMs })).map(
            ({ energy }) => Math.round(energy.imported * 1e3) / 1e3,
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
        const [span] = await sparse.energy({ deviceId: "ems_001", edgesMs: [start, start + quarter] });
        expect(span?.energy.imported).toBeCloseTo(300, 3);
        await sparse.close();
      });

      test("of nobody, and of no spans, is nothing", async () => {
        expect(await store.energy({ deviceId: "ems_001", edgesMs: [] })).toEqual([]);
        const [none] = await store.energy({ deviceId: "nobody", edgesMs: [start, start + hour] });
        expect(none).toMatchObject({ coverage: 0, energy: { imported: 0, selfConsumed: 0 } });
      });
    });

    describe("strikes", () => {
      test("take values out of samples, charts and sums, before and after upkeep, until they are undone", async () => {
        const { store, reopen } = await openEmpty();
        const count = 1_200;
        const sent = Array.from({ length: count }, (_, i) =>
          sampleAt(start + i * second, i, { grid: { power: i === 600 ? 1e9 : 3_600 }, heater: { mode: "eco" } }),
        );
        await store.append([batchOf(sent)]);
        const strike = {
          deviceId: "ems_001",
          fromMs: start + 600 * second,
          toMs: start + 601 * second,
          points: ["grid.power"],
          atMs: now,
          by: "somebody",
        };
        const asked = async (of: Store) => {
          const range = { deviceId: "ems_001", fromMs: start, toMs: start + hour };
          const [span] = await of.energy({ deviceId: "ems_001", edgesMs: [start, start + hour] });
          const wide = await of.history({ ...range, points: ["grid.power"], bucketMs: quarter });
          const narrow = await of.history({ ...range, points: ["grid.power"], bucketMs: minute });
          const totals = { fromMs: start, toMs: start + hour, point: "grid.power" };
          const fleet = await of.fleetTotals({ deviceIds: ["ems_001"], ...totals, bucketMs: minute });
          return {
            imported: Math.round(span?.energy.imported ?? 0),
            wide: wide.points["grid.power"]?.max[0],
            narrow: narrow.points["grid.power"]?.max[10],
            fleet: fleet.sum[10],
            values: (await everything(of)).slice(599, 602).map(({ points }) => points["grid.power"]),
            modes: new Set((await everything(of)).map(({ points }) => points["heater.mode"])),
          };
        };
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
        const made = await store.strike(strike);
        expect(await asked(store)).toEqual(right);
        await settle(store);
        expect(await asked(store)).toEqual(right);
        await store.close();
        const again = await reopen();
        expect(await asked(again)).toEqual(right);
        expect(await again.strikes("ems_001")).toEqual([made]);
        expect(await again.strikes("ems_002")).toEqual([]);
        // Two that reach over the same value: it counts again when neither is left.
        const other = await again.strike({ ...strike, points: null });
        expect(await again.unstrike("ems_001", made.number)).toEqual(made);
        expect((await asked(again)).values).toEqual([3_600, null, 3_600]);
        expect((await asked(again)).modes).toEqual(new Set(["eco", null]));
        expect(await again.unstrike("ems_002", other.number)).toBe(null);
        await again.unstrike("ems_001", other.number);
        expect(await asked(again)).toEqual(wrong);
        await settle(again);
        expect(await asked(again)).toEqual(wrong);
        await again.close();
      });
    });

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
            const query = { deviceId: "ems_001", ...range, point };
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
    });

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
            const totals = await store.fleetTotals({ deviceIds, ...range, point, bucketMs });
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

    test("events are kept, newest first, by page, device, kind and time, and after a restart", async () => {
      const { store, reopen } = await openEmpty();
      const sent = Array.from({ length: 25 }, (_, i) => ({
        atMs: start + i * second,
        kind: i % 2 === 0 ? "link" : "fault",
        deviceId: i % 5 === 0 ? null : `ems_${i % 3}`,
        message: `event ${i}: "ä €"`,
      }));
      await store.recordEvents(sent.slice(0, 10));
      await store.recordEvents([]);
      await store.recordEvents(sent.slice(10));
      const newest = [...sent].reverse();
      const found = await store.events({ limit: 100 });
      expect(found.map(({ number: _, ...event }) => event)).toEqual(newest);
      expect(found.every(({ number }, at) => at === 0 || number < (found[at - 1]?.number ?? 0))).toBe(true);

      const pages = [];
      for (let before: number | undefined; ; ) {
        const page = await store.events({ limit: 4, before });
        if (page.length === 0) break;
        pages.push(...page);
        before = page.at(-1)?.number;
      }
      expect(pages).toEqual(found);

      const messages = async (query: object) =>
        (await store.events({ limit: 100, ...query })).map(({ message }) => message);
      const expected = (keep: (event: (typeof sent)[number]) => boolean) =>
        newest.filter(keep).map(({ message }) => message);
      expect(await messages({ deviceIds: ["ems_1"] })).toEqual(expected(({ deviceId }) => deviceId === "ems_1"));
      const few = ["ems_0", "ems_2", "nobody"];
      expect(await messages({ deviceIds: few })).toEqual(expected(({ deviceId }) => few.includes(deviceId ?? "")));
      expect(await messages({ deviceIds: [] })).toEqual([]);
      expect(await messages({ kind: "fault" })).toEqual(expected(({ kind }) => kind === "fault"));
      const [fromMs, toMs] = [start + 3 * second, start + 9 * second];
      expect(await messages({ fromMs, toMs })).toEqual(expected(({ atMs }) => atMs >= fromMs && atMs < toMs));
      await store.close();
      const again = await reopen();
      expect(await again.events({ limit: 100 })).toEqual(found);
      await again.recordEvents([{ atMs: start, kind: "link", deviceId: null, message: "one more" }]);
      expect((await again.events({ limit: 1 }))[0]?.number).toBeGreaterThan(found[0]?.number as number);
      await again.close();
    });

    test("it says what it keeps", async () => {
      const { store, reopen } = await openEmpty();
      expect(await store.info()).toMatchObject({
        devices: 0,
        samples: 0,
        fromMs: null,
        toMs: null,
        gaps: { count: 0, ms: 0 },
      });
      const steady = Array.from({ length: 360 }, (_, i) =>
        sampleAt(start + i * 10 * second, i, { grid: { power: i } }),
      );
      const resumed = Array.from({ length: 10 }, (_, i) =>
        sampleAt(start + 3 * hour + i * 10 * second, 1_000 + i, { grid: { power: i } }),
      );
      const other = sampleAt(start - hour, 0, { grid: { power: 1 } }, { deviceId: "ems_002" });
      await store.append([batchOf(steady), batchOf(resumed), batchOf([other])]);
      const silenceMs = 3 * hour - 359 * 10 * second;
      const expected = {
        devices: 2,
        samples: 371,
        fromMs: start - hour,
        toMs: start + 3 * hour + 90 * second,
        gaps: { count: 1, ms: silenceMs },
        retentionMs: 0,
      };
      expect(await store.info()).toMatchObject(expected);
      await settle(store);
      expect(await store.info()).toMatchObject(expected);
      await store.close();
      const again = await reopen();
      const info = await again.info();
      expect(info).toMatchObject(expected);
      expect(info.bytes).toBeGreaterThan(1_000);
      expect(again.description.length).toBeGreaterThan(5);
      await again.close();
    });

    test("a sound store has nothing to say when it is verified, and tells how far it is", async () => {
      const { store } = await openEmpty();
      const sent = Array.from({ length: 500 }, (_, i) => sampleAt(start + i * 10 * second, i, { grid: { power: i } }));
      await store.append([batchOf(sent)]);
      await settle(store);
      await store.append([batchOf([sampleAt(start + 2 * hour, 900, { grid: { power: 1 } })])]);
      const shares: number[] = [];
      expect(await store.verify((share) => shares.push(share))).toEqual({ faults: [], unchecked: 0 });
      expect(shares.at(-1)).toBe(1);
      expect(shares.every((share, at) => share >= (shares[at - 1] ?? 0) && share <= 1)).toBe(true);
      await store.close();
    });

    test("every question is answered over a lent port as it is without one, many at once, and ends with its signal", async () => {
      const { store } = await openEmpty();
      const sent = Array.from({ length: 1_000 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: i } }));
      await store.append([batchOf(sent)]);
      const range = { deviceId: "ems_001", fromMs: start, toMs: start + hour };
      const ask = (reader: StoreReader, signal?: AbortSignal) =>
        Promise.allSettled([
          reader.points("ems_001"),
          reader.samples({ ...range, take: "last", limit: 10, signal }),
          reader.history({ ...range, bucketMs: minute, points: ["grid.power"], signal }),
          reader.energy({ deviceId: "ems_001", edgesMs: [start, start + hour], signal }),
          reader.timeline({ ...range, point: "grid.power", limit: 10, signal }),
          reader.fleetTotals({ ...range, deviceIds: ["ems_001"], point: "grid.power", bucketMs: minute, signal }),
        ]);
      const lent = new PortReader(store.openReadPort());
      const [overPort, plain] = await Promise.all([ask(lent), ask(store)]);
      expect(overPort).toEqual(plain);
      expect(plain.map(({ status }) => status)).toEqual(plain.map(() => "fulfilled"));
      const reason = new Error("the viewer has left");
      const controller = new AbortController();
      const left = ask(lent, controller.signal);
      controller.abort(reason);
      expect((await left).slice(1)).toEqual(plain.slice(1).map(() => ({ status: "rejected", reason })));
      expect(await lent.samples({ ...range, take: "first", limit: 1 })).toHaveLength(1);
      await store.close();
    });

    test("a question that nobody waits for any more ends with the reason", async () => {
      const { store } = await openEmpty();
      const sent = Array.from({ length: 5_000 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: i } }));
      await store.append([batchOf(sent)]);
      const range = { deviceId: "ems_001", fromMs: start, toMs: start + 2 * hour };
      const ask = (signal: AbortSignal): Promise<unknown>[] => [
        store.samples({ ...range, take: "first", limit: 10_000, signal }),
        store.history({ ...range, bucketMs: minute, points: ["grid.power"], signal }),
        store.history({ ...range, bucketMs: quarter, points: ["grid.power"], signal }),
        store.energy({ deviceId: "ems_001", edgesMs: [start, start + 2 * hour], signal }),
        store.timeline({ ...range, point: "grid.power", limit: 10, signal }),
        store.fleetTotals({ ...range, deviceIds: ["ems_001"], point: "grid.power", bucketMs: minute, signal }),
        store.info(signal),
        store.verify(() => {}, signal),
      ];
      const reason = new Error("the viewer has left");
      for (const asked of ask(AbortSignal.abort(reason))) await expect(asked).rejects.toBe(reason);
      const controller = new AbortController();
      const asked = ask(controller.signal);
      controller.abort(reason);
      expect(await Promise.allSettled(asked)).toEqual(asked.map(() => ({ status: "rejected", reason })));
      // And the store goes on.
      expect(await everything(store)).toHaveLength(5_000);
      await store.close();
    });
  });
}

/** Any message that the gatekeeper lets through, and some that it would not: the store does not judge. */
const anyText = fc.string({ unit: "binary", maxLength: 40 });
const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.integer({ min: -100_000, max: 100_000 }).map((n) => n / 100),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, Number.MAX_VALUE, 0.1, 1e21, 1e-7),
);
const anyValue: fc.Arbitrary<Value> = fc.oneof(anyNumber, anyNumber, anyText, fc.boolean(), fc.constant(null));
const anyMessage: fc.Arbitrary<Message> = fc.record(
  {
    system_status: fc.record(
      {
        state: fc.oneof(fc.constantFrom("IDLE", "CHARGING"), anyValue),
        error_flags: fc.oneof(fc.array(anyText, { maxLength: 4 }), fc.constant(null)),
        wifi_strength: anyValue,
      },
      { requiredKeys: [] },
    ),
    battery: fc.record({ soc: anyValue, power: anyNumber, constructor: anyValue }, { requiredKeys: [] }),
    own: fc.record({ a: anyValue, b: anyValue, toString: anyValue }, { requiredKeys: [] }),
    single: anyValue,
  },
  { requiredKeys: [] },
);

/** What `samples` is to give for what was sent. JSON writes no −0, so none is expected back. */
function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function asPoints({ observedAtMs, receivedAtMs, deviceTimeMs, clock, epoch, seq, message }: Sent): PointSample {
  const points: [string, Value][] = [];
  const { device_id: _, timestamp: __, ...sections } = JSON.parse(message.toString()) as Message;
  for (const [section, body] of Object.entries(sections)) {
    if (typeof body !== "object" || body === null) points.push([section, body]);
    else for (const [field, value] of Object.entries(body)) points.push([`${section}.${field}`, value as Value]);
  }
  return { observedAtMs, receivedAtMs, deviceTimeMs, clock, epoch, seq, points: Object.fromEntries(points) };
}

/** The spans of more than 30 s without a sample, longest first. */
function gapsOf(times: readonly number[], fromMs: number, toMs: number): { fromMs: number; toMs: number }[] {
  const edges = [fromMs, ...times.filter((atMs) => atMs >= fromMs && atMs < toMs), toMs];
  return edges
    .slice(1)
    .map((atMs, i) => ({ fromMs: edges[i] as number, toMs: atMs }))
    .filter((gap) => gap.toMs - gap.fromMs > 30 * second)
    .sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs));
}

/** Energy by many small steps along the straight lines between samples, where they are at most 30 s apart. */
function energyOf(
  sent: readonly Sent[],
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

/** A run lasts to the sample with another value, or to its last one where nothing came for more than 30 s. */
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
  return runs;
}
