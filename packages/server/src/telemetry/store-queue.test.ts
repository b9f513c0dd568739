import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import { readRecords } from "../store/sample-record.ts";
import type { Store } from "../store/store.ts";
import { StoreQueue } from "./store-queue.ts";

const device = new DeviceState("ems_001", "ems_001");
const message = Buffer.from("x".repeat(100));

function reading(seq: number): Sample {
  const clock = "device" as const;
  return { deviceId: "ems_001", values: {}, deviceTimeMs: 0, observedAtMs: 0, receivedAtMs: 0, clock, epoch: 1, seq };
}

/** A store whose commits the test settles, one by one. */
class HeldStore implements Pick<Store, "append"> {
  readonly offered: number[][] = [];
  #settle: { resolve: () => void; reject: (error: Error) => void } | null = null;

  append(batches: readonly Uint8Array[]): Promise<void> {
    this.offered.push([...readRecords(Buffer.concat(batches))].map(({ seq }) => seq));
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  async commit(): Promise<void> {
    this.#settle?.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }

  async fail(): Promise<void> {
    this.#settle?.reject(new Error("disk full"));
    await Promise.resolve();
    await Promise.resolve();
  }
}

function journalOver(store: HeldStore, clock: ManualClock, queueBytesMax = 1_000_000) {
  const seen = { committed: 0, failed: 0, unstored: 0 };
  const journal = new StoreQueue(
    store as unknown as Store,
    clock,
    { flushMs: 250, flushBytes: 500, queueBytesMax },
    {
      committed: (samples) => {
        seen.committed += samples;
      },
      failed: () => {
        seen.failed++;
      },
      unstored: (samples) => {
        seen.unstored += samples;
      },
    },
  );
  return { journal, seen };
}

describe("Journal", () => {
  test("hands a batch over after the flush time, or as soon as it is full, one after another and in order", async () => {
    const clock = new ManualClock();
    const store = new HeldStore();
    const { journal, seen } = journalOver(store, clock);
    journal.append(device, reading(0), message);
    expect(store.offered).toEqual([]);
    clock.advance(250);
    expect(store.offered).toEqual([[0]]);

    // 139 bytes each: three fit into a batch of 500.
    for (let seq = 1; seq <= 7; seq++) journal.append(device, reading(seq), message);
    clock.advance(250);
    expect(store.offered).toEqual([[0]]);
    await store.commit();
    // What has become full meanwhile goes together.
    expect(store.offered).toEqual([[0], [1, 2, 3, 4, 5, 6, 7]]);
    await store.commit();
    expect(seen).toEqual({ committed: 8, failed: 0, unstored: 0 });
    expect(journal.queuedBytes).toBe(0);
  });

  test("offers what failed again, with what came meanwhile behind it", async () => {
    const clock = new ManualClock();
    const store = new HeldStore();
    const { journal, seen } = journalOver(store, clock);
    journal.append(device, reading(0), message);
    clock.advance(250);
    journal.append(device, reading(1), message);
    await store.fail();
    clock.advance(999);
    expect(store.offered).toEqual([[0]]);
    clock.advance(1);
    expect(store.offered).toEqual([[0], [0, 1]]);
    await store.commit();
    expect(seen).toEqual({ committed: 2, failed: 1, unstored: 0 });
    expect(journal.queuedBytes).toBe(0);
  });

  test("stops taking samples at its bound, counts them, and takes them again when there is room", async () => {
    const clock = new ManualClock();
    const store = new HeldStore();
    const { journal, seen } = journalOver(store, clock, 1_000);
    const taken = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((seq) => journal.append(device, reading(seq), message));
    expect(taken).toEqual([true, true, true, true, true, true, true, false, false]);
    expect(seen.unstored).toBe(2);
    await store.commit();
    expect(journal.append(device, reading(9), message)).toBe(true);
  });

  test("a stop waits for everything that was taken, and says what was left when the time is over", async () => {
    const clock = new ManualClock();
    const store = new HeldStore();
    const { journal } = journalOver(store, clock);
    for (let seq = 0; seq < 4; seq++) journal.append(device, reading(seq), message);
    const closed = journal.close(5_000);
    await store.commit();
    await store.commit();
    expect(await closed).toBe(0);
    expect(store.offered).toEqual([[0, 1, 2], [3]]);

    const stuck = journalOver(new HeldStore(), clock).journal;
    stuck.append(device, reading(0), message);
    const left = stuck.close(5_000);
    clock.advance(5_000);
    expect(await left).toBe(1);
  });

  test("a stop does not wait for a store that has been failing: it is tried once more, and time need not pass", async () => {
    const clock = new ManualClock();
    const failing = new HeldStore();
    const { journal } = journalOver(failing, clock);
    journal.append(device, reading(0), message);
    clock.advance(250);
    await failing.fail();
    const given = journal.close(5_000);
    expect(failing.offered).toEqual([[0], [0]]);
    await failing.fail();
    expect(await given).toBe(1);

    // Once more may be enough.
    const mended = new HeldStore();
    const other = journalOver(mended, clock).journal;
    other.append(device, reading(0), message);
    clock.advance(250);
    await mended.fail();
    const stored = other.close(5_000);
    await mended.commit();
    expect(await stored).toBe(0);
  });

  test("a store that begins to fail while the server stops has all the time of the stop", async () => {
    const clock = new ManualClock();
    const store = new HeldStore();
    const { journal } = journalOver(store, clock);
    journal.append(device, reading(0), message);
    const closed = journal.close(5_000);
    await store.fail();
    clock.advance(1_000);
    await store.commit();
    expect(await closed).toBe(0);
    expect(store.offered).toEqual([[0], [0]]);
  });

  test("tells how long the store has not answered, and nothing while it has nothing to answer", async () => {
    const clock = new ManualClock();
    const store = new HeldStore();
    const { journal } = journalOver(store, clock);
    clock.advance(10_000);
    expect(journal.unansweredMs).toBe(0);
    journal.append(device, reading(0), message);
    clock.advance(250);
    clock.advance(10_000);
    expect(journal.unansweredMs).toBe(10_000);
    await store.fail();
    expect(journal.unansweredMs).toBe(0);
    clock.advance(1_000);
    await store.commit();
    expect(journal.unansweredMs).toBe(0);
  });
});
