import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { Database } from "./database.ts";
import { Writer } from "./writer.ts";
import type { WriterAnswer, WriterRequest, WriterSetup } from "./writer-thread.ts";

/** Reads samples and sends them to the database, over a connection of its own. */
const { url, isTimescale } = workerData as WriterSetup;
const database = new Database(url, systemClock);
const writer = new Writer(database, isTimescale);

const port = parentPort;
if (port === null) throw new Error("This file runs as the thread of a store's writer.");
lowerThreadPriority();
port.on("message", async (request: WriterRequest) => {
  if (request !== null) return port.postMessage(await append(request));
  await database.close();
  port.close();
});

async function append({ number, batch }: NonNullable<WriterRequest>): Promise<WriterAnswer> {
  try {
    await writer.append(batch);
    return { number, failure: null };
  } catch (error) {
    const { code, message } = error instanceof Failure ? error : new Failure("store_failed", String(error));
    return { number, failure: { code, message } };
  }
}
