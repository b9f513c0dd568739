import { NotifyDatabase } from "./notify-database.ts";
import type { NotifyStore } from "./records.ts";

/** The real file, on this thread, by default in memory; for tests. */
export function notifyStoreInMemory(path = ":memory:"): NotifyStore {
  const file = new NotifyDatabase(path);
  return {
    load: async (sentSinceMs) => file.load(sentSinceMs),
    commit: async (rows) => file.commit(rows),
    list: async (query) => file.list(query),
    close: async () => file.close(),
  };
}
