import { workerData } from "node:worker_threads";
import { Failure } from "../base/failure.ts";
import { lowerThreadPriority } from "../base/lower-thread-priority.ts";
import { serveMethods } from "../base/worker-methods.ts";
import { CommandDatabase } from "./command-database.ts";
import type { CommandMethods } from "./command-store-client.ts";

/** The thread of `commands.db`: takes one request after another, so that no disk is waited for where the sockets are. */
lowerThreadPriority();
const path = workerData as string;
const database = open();

serveMethods<CommandMethods>(
  {
    load: () => database.load(),
    commit: (rows) => database.commit(rows),
    find: (deviceId, commandId) => database.find(deviceId, commandId),
    list: (deviceId, limit) => database.list(deviceId, limit),
    fleetTargets: (fleetCommandId) => database.fleetTargets(fleetCommandId),
    copyTo: (to) => database.copyTo(to),
  },
  {
    failureOf: (error) => failed("The commands cannot be kept", error),
    onClose: () => database.close(),
  },
);

function open(): CommandDatabase {
  try {
    return new CommandDatabase(path);
  } catch (error) {
    throw failed(`The commands in ${path} cannot be opened`, error);
  }
}

function failed(what: string, error: unknown): Failure {
  return new Failure("commands_failed", `${what}: ${error instanceof Error ? error.message : String(error)}`, error);
}
