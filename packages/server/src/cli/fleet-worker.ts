import { workerData } from "node:worker_threads";
import { type FleetStatus, runFleet } from "@wattboard/simulator";
import { postNotice, serveMethods } from "../base/worker-methods.ts";
import type { FleetMember } from "./simulate.ts";

/** The demo's fleet, on a thread of its own so that it does not share an event loop with the server it talks to. */
export interface FleetSetup {
  readonly url: string;
  readonly fleet: readonly FleetMember[];
  readonly rateHz: number;
  readonly speed: number;
  readonly seed: number;
}

/** What the thread does; its notices are the fleet's status. */
export interface FleetMethods {
  /** Answered when the fleet has ended, by `close`. */
  run(): void;
}

const setup = workerData as FleetSetup;
const stop = new AbortController();
let running: Promise<void> | undefined;

serveMethods<FleetMethods>(
  {
    run() {
      const onStatus = (status: FleetStatus): void => postNotice<FleetStatus>(status);
      running = runFleet({ ...setup, fleet: [...setup.fleet], signal: stop.signal, onStatus });
      return running;
    },
  },
  {
    async onClose() {
      stop.abort();
      await running;
    },
  },
);
