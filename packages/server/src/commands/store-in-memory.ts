import { CommandDatabase } from "./command-database.ts";
import type { CommandStore } from "./command-store.ts";

/** The real file, in memory and on this thread; for tests. */
export function storeInMemory(): CommandStore {
  const file = new CommandDatabase(":memory:");
  return {
    load: async () => file.load(),
    commit: async (rows) => file.commit(rows),
    find: async (scope, commandId) => file.find(scope, commandId),
    list: async (scope, limit) => file.list(scope, limit),
    fleetTargets: async (fleetCommandId) => file.fleetTargets(fleetCommandId),
    close: async () => file.close(),
  };
}
