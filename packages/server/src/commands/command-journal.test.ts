import { ManualClock, ManualTurns } from "@wattboard/testing";
import { expect, test } from "vitest";
import { YieldQueue } from "../base/yield-queue.ts";
import { CommandJournal } from "./command-journal.ts";
import type { CommandRecord } from "./command-record.ts";
import { storeInMemory } from "./store-in-memory.ts";

function commandTo(deviceId: string): CommandRecord {
  const atMs = Date.UTC(2026, 0, 31, 12);
  return {
    deviceId,
    commandId: "cmd_1",
    action: "RESET_ERROR",
    payload: {},
    requestedBy: "token test",
    fleetCommandId: null,
    createdAtMs: atMs,
    expiresAtMs: atMs + 60_000,
    status: "queued",
    history: [{ status: "queued", atMs, cause: "Given by token test." }],
    sentAtMs: null,
    isClaimed: false,
  };
}

test("live samples pass between the commands of a storm: what one commit has stored is told one command a turn", async () => {
  const turns = new ManualTurns();
  const observer = { failed: () => {}, recovered: () => {} };
  const store = storeInMemory();
  const yieldQueue = new YieldQueue(Number.POSITIVE_INFINITY, turns.next);
  const journal = new CommandJournal(store, new ManualClock(), observer, yieldQueue);
  const seen: string[] = [];
  const devices = ["ems_001", "ems_002", "ems_003"];
  for (const deviceId of devices) {
    journal.save({ table: "command", record: commandTo(deviceId) }, () => seen.push(deviceId));
  }
  // The first is told as soon as all three are stored.
  while (seen.length === 0) await Promise.resolve();
  expect((await store.load()).open).toHaveLength(3);
  let isDrained = false;
  const drained = journal.drain(1_000).then(() => {
    isDrained = true;
  });
  for (let turn = 0; turn < 2; turn++) {
    seen.push("sample");
    turns.run();
    await Promise.resolve();
    expect(isDrained).toBe(false);
  }
  expect(seen).toEqual(["ems_001", "sample", "ems_002", "sample", "ems_003"]);
  turns.run();
  await drained;
  await store.close();
});

test("a stop does not wait for a disk that has been failing: it is tried once more, and time need not pass", async () => {
  const store = { ...storeInMemory(), commit: () => Promise.reject(new Error("full")) };
  const clock = new ManualClock();
  let failures = 0;
  const journal = new CommandJournal(store, clock, { failed: () => failures++, recovered: () => {} });
  journal.save({ table: "command", record: commandTo("ems_001") });
  await new Promise((resolve) => setImmediate(resolve));
  expect(failures).toBe(1);
  expect(await journal.drain(5_000)).toBe(false);
  expect(failures).toBe(2);
  // Nor is anything tried after that.
  clock.advance(0);
  expect(failures).toBe(2);
});
