import { type MessagePort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { serveMethods } from "../../base/worker-methods.ts";
import { readCoverage } from "../questions/coverage.ts";
import { readEnergy } from "../questions/energy.ts";
import { readFleetTotals } from "../questions/fleet-totals.ts";
import { readHistory } from "../questions/history.ts";
import { readSamples } from "../questions/samples.ts";
import { readTimeline } from "../questions/timeline.ts";
import type { ReadMethods } from "../read-port.ts";
import type { Work } from "../work.ts";
import { Database, databaseFailure } from "./database.ts";
import { askReader, type Reader, readPoints } from "./reader.ts";

/** What the thread is started with. */
export interface ReaderSetup {
  readonly url: string;
  readonly isTimescale: boolean;
  readonly port: MessagePort;
}

/** Asks for another thread, over connections of its own; it ends when the port does, and with it whatever is being read. */
const { url, isTimescale, port } = workerData as ReaderSetup;
const database = new Database(url, systemClock);

lowerThreadPriority();
serveMethods<ReadMethods>(
  {
    samples: async (query, { signal }) => ({
      samples: await answer(signal, (reader) => readSamples(reader, query)),
      damage: [],
    }),
    points: (registration, { signal }) => database.ask(signal, (client) => readPoints(client, registration)),
    history: (query, { signal }) => answer(signal, (reader) => readHistory(reader, query)),
    coverage: (query, { signal }) => answer(signal, (reader) => readCoverage(reader, query)),
    energy: (query, { signal }) => answer(signal, (reader) => readEnergy(reader, query)),
    timeline: (query, { signal }) => answer(signal, (reader) => readTimeline(reader, query)),
    fleetTotals: (query, { signal }) => answer(signal, (reader) => readFleetTotals(reader, query)),
  },
  { port, failureOf: databaseFailure },
);
port.once("close", () => process.exit());

function answer<T>(signal: AbortSignal, question: (reader: Reader) => Work<T>): Promise<T> {
  return askReader(database, signal, isTimescale, question);
}
