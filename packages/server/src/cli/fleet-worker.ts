import { parentPort, workerData } from "node:worker_threads";
import { runFleet } from "@wattboard/simulator";
import type { FleetMember } from "./simulate.ts";

/** The demo's fleet, on a thread of its own so that it does not share an event loop with the server it talks to. */
export interface FleetSetup {
  readonly url: string;
  readonly fleet: readonly FleetMember[];
  readonly rateHz: number;
  readonly speed: number;
  readonly seed: number;
}

const setup = workerData as FleetSetup;
const stop = new AbortController();
parentPort?.once("message", () => stop.abort());
await runFleet({
  ...setup,
  fleet: [...setup.fleet],
  signal: stop.signal,
  onStatus: (status) => parentPort?.postMessage(status),
});
parentPort?.close();
