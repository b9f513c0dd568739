import { type MessagePort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { serveMethods } from "../../base/worker-methods.ts";
import type { ReadMethods } from "../read-port.ts";
import { Database, databaseFailure } from "./database.ts";
import { readFleetTotals } from "./fleet-totals.ts";
import { readCoverage, readEnergy, readHistory, readPoints, readSamples, readTimeline } from "./reader.ts";

/** What the thread is started with. */
export interface ReadSetup {
  readonly url: string;
  readonly isTimescale: boolean;
  readonly port: MessagePort;
}

/** Asks for another thread, over connections of its own; it ends when the port does, and with it whatever is being read. */
const { url, isTimescale, port } = workerData as ReadSetup;
const database = new Database(url, systemClock);

lowerThreadPriority();
serveMethods<ReadMethods>(
  {
    async samples(query, { signal }) {
      return { samples: await database.ask(signal, (client) => readSamples(client, query)), damage: [] };
    },
    points: (registration, { signal }) => database.ask(signal, (client) => readPoints(client, registration)),
    history: (query, { signal }) => database.ask(signal, (client) => readHistory(client, query)),
    coverage: (query, { signal }) => database.ask(signal, (client) => readCoverage(client, query)),
    energy: (query, { signal }) => database.ask(signal, (client) => readEnergy(client, query)),
    timeline: (query, { signal }) => database.ask(signal, (client) => readTimeline(client, query)),
    fleetTotals: (query, { signal }) => database.ask(signal, (client) => readFleetTotals(client, query, isTimescale)),
  },
  { port, failureOf: databaseFailure },
);
port.once("close", () => process.exit());
