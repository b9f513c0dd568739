import { workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { serveMethods } from "../../base/worker-methods.ts";
import { Database, databaseFailure } from "./database.ts";
import { Writer } from "./writer.ts";
import type { WriterMethods, WriterSetup } from "./writer-thread.ts";

/** Reads samples and sends them to the database, over a connection of its own. */
const { url, isTimescale } = workerData as WriterSetup;
const database = new Database(url, systemClock, { isOwner: true });
const writer = new Writer(database, isTimescale);

lowerThreadPriority();
serveMethods<WriterMethods>(
  { append: (batch) => writer.append(batch), claim: () => database.write(async () => {}) },
  { failureOf: databaseFailure, onClose: () => database.close() },
);
