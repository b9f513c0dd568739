import { type MessagePort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { stepBack } from "../../base/step-back.ts";
import type { LentAnswer, LentQuery } from "../sample-source.ts";
import { Database } from "./database.ts";
import { readSamples } from "./reader.ts";

/** Reads samples for another thread, over one connection of its own; it ends when the port does, and with it whatever is being read. */
const { url, port } = workerData as { readonly url: string; readonly port: MessagePort };
const database = new Database(url, systemClock);

stepBack();
port.on("message", async (query: LentQuery) => port.postMessage(await answerTo(query)));
port.once("close", () => process.exit());

async function answerTo(query: LentQuery): Promise<LentAnswer> {
  try {
    // What the database cannot read it refuses, and names.
    return { samples: await database.ask(undefined, (client) => readSamples(client, query)), leftOut: [] };
  } catch (error) {
    const { code, message } = error instanceof Failure ? error : new Failure("store_failed", String(error));
    return { code, message };
  }
}
