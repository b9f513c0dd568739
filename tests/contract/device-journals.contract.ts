import { describe, expect, test } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { passedRecordBytes, writePassed } from "../../packages/server/dist/store/sample-record.js";
import { batchOf, sampleAt } from "../support/samples.ts";
import { type ContractStores, second, start } from "./contract-stores.ts";

export function deviceJournalsContract({ openEmpty, everything, settle }: ContractStores): void {
  describe("the devices' own journals", () => {
    const registration = firstRegistration("ems_001");
    const numbered = (seqs: readonly number[], epoch: number, key = "ems_001"): Buffer =>
      batchOf(
        seqs.map((seq) =>
          sampleAt(start + seq * second, seq, { grid: { power: seq } }, { epoch, key, isNumbered: true }),
        ),
      );
    const passed = (fromSeq: number, toSeq: number, epoch: number): Buffer => {
      const key = Buffer.from("ems_001");
      const record = Buffer.alloc(passedRecordBytes(key));
      writePassed(record, 0, { atMs: start, epoch, fromSeq, toSeq }, key);
      return record;
    };

    test("grow with what is stored, whatever the order, and whatever becomes of the server", async () => {
      const { store, reopen } = await openEmpty();
      expect(await store.openJournal(registration, "one", 1_000)).toEqual({ epoch: 1_000, ranges: [] });
      await store.append([numbered([1, 2, 3], 1_000), numbered([8, 9], 1_000)]);
      await store.append([passed(4, 5, 1_000)]);
      const ranges = [
        [1, 5],
        [8, 9],
      ];
      expect(await store.openJournal(registration, "one", 2_000)).toEqual({ epoch: 1_000, ranges });
      await settle(store);
      await store.append([numbered([6], 1_000)]);
      await store.close();
      const again = await reopen();
      const stored = await again.openJournal(registration, "one", 3_000);
      expect(stored.ranges).toEqual([
        [1, 6],
        [8, 9],
      ]);
      // What was passed over is no sample.
      expect((await everything(again)).map(({ epoch, seq }) => [epoch, seq])).toEqual(
        [1, 2, 3, 6, 8, 9].map((seq) => [1_000, seq]),
      );
      await again.append([numbered([7], 1_000)]);
      await settle(again);
      expect((await again.openJournal(registration, "one", 4_000)).ranges).toEqual([[1, 9]]);
      await again.close();
    });

    test("are each registration's own, and 16 of one are remembered: those that were opened last", async () => {
      const { store } = await openEmpty();
      await store.openJournal(registration, "one", 1);
      await store.openJournal(firstRegistration("ems_002"), "one", 2);
      await store.append([numbered([1], 1), numbered([1, 2], 2, "ems_002")]);
      expect((await store.openJournal(registration, "one", 3)).ranges).toEqual([[1, 1]]);
      expect((await store.openJournal(firstRegistration("ems_002"), "one", 4)).ranges).toEqual([[1, 2]]);
      for (let number = 2; number <= 17; number++)
        await store.openJournal(registration, `number ${number}`, 10 + number);
      expect(await store.openJournal(registration, "number 2", 40)).toEqual({ epoch: 12, ranges: [] });
      expect(await store.openJournal(registration, "one", 41)).toEqual({ epoch: 41, ranges: [] });
      expect((await store.openJournal(firstRegistration("ems_002"), "one", 42)).epoch).toBe(2);
      await store.close();
    });

    test("have an epoch that no other has, whatever the server's clock makes of it", async () => {
      const { store } = await openEmpty();
      expect((await store.openJournal(registration, "one", 1_000)).epoch).toBe(1_000);
      await store.append([numbered([1, 2], 1_000)]);
      expect(await store.openJournal(firstRegistration("ems_002"), "one", 1_000)).toEqual({ epoch: 1_001, ranges: [] });
      expect(await store.openJournal(registration, "two", 7)).toEqual({ epoch: 1_002, ranges: [] });
      expect(await store.openJournal(registration, "one", 8)).toEqual({ epoch: 1_000, ranges: [[1, 2]] });
      await store.close();
    });

    test("what is numbered in a batch that is not stored does not count", async () => {
      const { store } = await openEmpty();
      await store.openJournal(registration, "one", 1);
      const cut = numbered([1, 2], 1).subarray(0, -1);
      await expect(store.append([cut])).rejects.toThrow();
      expect((await store.openJournal(registration, "one", 2)).ranges).toEqual([]);
      await store.close();
    });
  });
}
