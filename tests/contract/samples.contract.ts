import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchOf, type Message, type Sent, sampleAt, type Value } from "../support/samples.ts";
import { asPoints, type ContractStores, minute, second, start } from "./contract-stores.ts";

export function samplesContract({ everything, openEmpty, settle }: ContractStores): void {
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
