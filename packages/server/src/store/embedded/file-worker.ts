import { DatabaseSync } from "node:sqlite";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { serveMethods } from "../../base/worker-methods.ts";
import type { StoreFileMethods } from "./store-methods.ts";
import { checkStructure } from "./structure.ts";

serveMethods<StoreFileMethods>({
  copy(from, to) {
    const database = new DatabaseSync(from, { readOnly: true });
    database.prepare("VACUUM INTO ?").run(to);
    database.close();
  },
  checkStructure(path) {
    lowerThreadPriority();
    return checkStructure(path);
  },
});
