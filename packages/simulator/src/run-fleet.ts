import { type Clock, systemClock } from "@wattboard/device";
import { type FleetSettings, SimulatedFleet } from "./fleet.ts";
import type { FleetStatus } from "./fleet-status.ts";
import { runTurns } from "./run-turns.ts";

export interface RunFleetOptions extends FleetSettings {
  /** Ends the run: every device is disconnected, then the promise resolves. */
  readonly signal: AbortSignal;
  /** Told about once a second, and a last time at the end. */
  readonly onStatus?: (status: FleetStatus) => void;
  /** For tests. */
  readonly clock?: Clock;
}

/**
 * Connects a fleet and lets it live until `signal` aborts. A server that is away or says no is not an error: the devices keep trying,
 * and the status tells it.
 * @throws DeviceConfigurationError where the address or a token cannot be used at all
 */
export async function runFleet(options: RunFleetOptions): Promise<void> {
  const { signal, onStatus, clock = systemClock } = options;
  if (signal.aborted) return;
  await runTurns(new SimulatedFleet(options, clock), { signal, onStatus, clock });
}
