import { describe, expect, test } from "vitest";
import type { Store } from "../../packages/server/dist/store/store.js";
import { batchOf, type Sent, sampleAt } from "../support/samples.ts";
import { type ContractStores, hour, start } from "./contract-stores.ts";

export function latestContract({ openEmpty, settle }: ContractStores): void {
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
      const latest = async (from: Store) => (await from.latest()).sort((a, b) => a.key.localeCompare(b.key));
      const asStored = ({ sections: _, deviceTimeMs: __, deviceId: ___, ...rest }: Sent) => ({
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
}
