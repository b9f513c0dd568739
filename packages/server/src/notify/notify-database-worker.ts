import { workerData } from "node:worker_threads";
import { Failure } from "../base/failure.ts";
import { lowerThreadPriority } from "../base/lower-thread-priority.ts";
import { serveMethods } from "../base/worker-methods.ts";
import { NotifyDatabase } from "./notify-database.ts";
import type { NotifyMethods } from "./notify-store-client.ts";

/** The thread of `notify.db`: takes one request after another, so that no disk is waited for where the sockets are. */
lowerThreadPriority();
const path = workerData as string;
const database = openNotify();

serveMethods<NotifyMethods>(
  {
    load: (sentSinceMs) => database.load(sentSinceMs),
    commit: (rows) => database.commit(rows),
    list: (query) => database.list(query),
    copyTo: (to) => database.copyTo(to),
  },
  {
    failureOf: (error) => notifyFailure("Notifications cannot be kept", error),
    onClose: () => database.close(),
  },
);

function openNotify(): NotifyDatabase {
  try {
    return new NotifyDatabase(path);
  } catch (error) {
    throw notifyFailure(`The notifications in ${path} cannot be opened`, error);
  }
}

function notifyFailure(what: string, error: unknown): Failure {
  return new Failure("notify_failed", `${what}: ${error instanceof Error ? error.message : String(error)}`, error);
}
