import { expect, test } from "vitest";
import { batchOf, sampleAt } from "../support/samples.ts";
import { type ContractStores, hour, second, start } from "./contract-stores.ts";

export function maintenanceContract({ openEmpty, settle }: ContractStores): void {
  test("it says what it keeps", async () => {
    const { store, reopen } = await openEmpty();
    expect(await store.info()).toMatchObject({
      devices: 0,
      samples: 0,
      fromMs: null,
      toMs: null,
      gaps: { count: 0, ms: 0 },
    });
    const steady = Array.from({ length: 360 }, (_, i) => sampleAt(start + i * 10 * second, i, { grid: { power: i } }));
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
}
