import { AlarmDatabase } from "./alarm-database.ts";
import type { AlarmStore } from "./alarm-store.ts";

/** The real file, in memory and on this thread; for tests. */
export function alarmsInMemory(): AlarmStore {
  const file = new AlarmDatabase(":memory:");
  return {
    load: async () => file.load(),
    commit: async (rows) => file.commit(rows),
    listEnded: async (query) => file.listEnded(query),
    find: async (alarmId, keys) => file.find(alarmId, keys),
    listMembers: async (number, query) => file.listMembers(number, query),
    copyTo: (to) => file.copyTo(to),
    close: async () => file.close(),
  };
}
