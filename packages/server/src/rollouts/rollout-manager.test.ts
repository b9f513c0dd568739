import { type FleetRow, isRefusal } from "@wattboard/protocol";
import { ManualClock, ManualTurns } from "@wattboard/testing";
import { expect, test } from "vitest";
import { YieldQueue } from "../base/yield-queue.ts";
import { CommandJournal } from "../commands/command-journal.ts";
import { Dispatcher } from "../commands/dispatcher.ts";
import { storeInMemory } from "../commands/store-in-memory.ts";
import { RolloutManager } from "./rollout-manager.ts";

const requester = { kind: "token", name: "test", sinceMs: 0 } as const;
const rights = { mayCommand: () => true };
const by = { requester, address: "", mayCommand: () => true };

test("a wave gives its commands one a turn, and none that waits any more when it is aborted", async () => {
  const clock = new ManualClock();
  const turns = new ManualTurns();
  const store = storeInMemory();
  const given: string[] = [];
  const journal = new CommandJournal(store, clock, { failed() {}, recovered() {} });
  const scopes = { noteScopeOf: (deviceId: string) => ({ key: deviceId, sinceMs: 0 }) };
  const dispatcher = new Dispatcher(clock, () => "id", store, journal, { find: () => undefined }, scopes, rights, {
    given: ({ deviceId }) => void given.push(deviceId),
    resultIgnored() {},
  });
  const ids = ["ems_001", "ems_002", "ems_003", "ems_004"];
  const fleet = { ids: () => ids, find: rowOf };
  const yieldQueue = new YieldQueue(10, turns.next);
  const commander = new RolloutManager(
    clock,
    () => "id",
    store,
    journal,
    dispatcher,
    fleet,
    rights,
    { given() {} },
    yieldQueue,
  );
  const begun = await commander.begin({ action: "RESET_ERROR", payload: {}, where: ["online = true"], canary: 4 }, by);
  if (isRefusal(begun)) throw new Error(begun.message);
  await settled();
  expect(given).toEqual(["ems_001"]);
  turns.run();
  await settled();
  expect(given).toEqual(["ems_001", "ems_002"]);
  const aborted = commander.abort(begun.fleetCommandId, by);
  expect(aborted).toMatchObject({ status: "aborted" });
  for (let turn = 0; turn < 4; turn++) {
    turns.run();
    await settled();
  }
  expect(given).toEqual(["ems_001", "ems_002"]);
  expect(yieldQueue.waitingCount).toBe(0);
  commander.stop();
  dispatcher.stop();
  await store.close();
});

/** A device that is there, and has sent nothing yet. */
function rowOf(id: string): FleetRow {
  return {
    id,
    name: id,
    online: true,
    properties: {},
    observed_at_ms: null,
    received_at_ms: null,
    clock: "device",
    state: null,
    mode: null,
    error_flags: [],
    points: {},
    others: {},
  };
}

/** What needs no turn of this test's has been done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
