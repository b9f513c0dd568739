import { type MessagePort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import type { PortAnswer, PortQuestion, PortRequest } from "../read-port.ts";
import { Database } from "./database.ts";
import { readEnergy, readFleetTotals, readHistory, readPoints, readSamples, readTimeline } from "./reader.ts";

/** What the thread is started with. */
export interface LendSetup {
  readonly url: string;
  readonly isTimescale: boolean;
  readonly port: MessagePort;
}

/** Asks for another thread, over connections of its own; it ends when the port does, and with it whatever is being read. */
const { url, isTimescale, port } = workerData as LendSetup;
const database = new Database(url, systemClock);
const running = new Map<number, AbortController>();

lowerThreadPriority();
port.on("message", async (request: PortRequest) => {
  if (request.kind === "abandon") {
    running.get(request.abandoned)?.abort();
    return;
  }
  const { number } = request;
  const abandoned = new AbortController();
  running.set(number, abandoned);
  const answer = await answerTo(request, number, abandoned.signal);
  running.delete(number);
  if (!abandoned.signal.aborted) port.postMessage(answer);
});
port.once("close", () => process.exit());

async function answerTo(question: PortQuestion, number: number, signal: AbortSignal): Promise<PortAnswer> {
  try {
    return { number, ok: true, result: await ask(question, signal) };
  } catch (error) {
    const { code, message } = error instanceof Failure ? error : new Failure("store_failed", String(error));
    return { number, ok: false, code, message };
  }
}

function ask(question: PortQuestion, signal: AbortSignal): Promise<unknown> {
  switch (question.kind) {
    case "samples":
      return database.ask(signal, (client) => readSamples(client, question.query));
    case "points":
      return database.ask(signal, (client) => readPoints(client, question.registration));
    case "history":
      return database.ask(signal, (client) => readHistory(client, question.query));
    case "energy":
      return database.ask(signal, (client) => readEnergy(client, question.query));
    case "timeline":
      return database.ask(signal, (client) => readTimeline(client, question.query));
    case "fleetTotals":
      return database.ask(signal, (client) => readFleetTotals(client, question.query, isTimescale));
  }
}
