import { workerData } from "node:worker_threads";
import { Failure } from "../base/failure.ts";
import { lowerThreadPriority } from "../base/lower-thread-priority.ts";
import { serveMethods } from "../base/worker-methods.ts";
import { AlarmDatabase } from "./alarm-database.ts";
import type { AlarmMethods } from "./alarm-store-client.ts";

/** The thread of `alarms.db`: takes one request after another, so that no disk is waited for where the sockets are. */
lowerThreadPriority();
const path = workerData as string;
const database = openAlarms();

serveMethods<AlarmMethods>(
  {
    load: () => database.load(),
    commit: (rows) => database.commit(rows),
    listEnded: (query) => database.listEnded(query),
    find: (alarmId, keys) => database.find(alarmId, keys),
    listMembers: (number, query) => database.listMembers(number, query),
    copyTo: (to) => database.copyTo(to),
  },
  {
    failureOf: (error) => alarmsFailure("The alarms cannot be kept", error),
    onClose: () => database.close(),
  },
);

function openAlarms(): AlarmDatabase {
  try {
    return new AlarmDatabase(path);
  } catch (error) {
    throw alarmsFailure(`The alarms in ${path} cannot be opened`, error);
  }
}

function alarmsFailure(what: string, error: unknown): Failure {
  return new Failure("alarms_failed", `${what}: ${error instanceof Error ? error.message : String(error)}`, error);
}
