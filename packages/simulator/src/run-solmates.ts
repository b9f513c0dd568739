import { type Clock, systemClock } from "@wattboard/device";
import { runTurns } from "./run-turns.ts";
import { SolMateFleet, type SolMateFleetSettings } from "./solmate-fleet.ts";
import type { SolMateStatus } from "./solmate-status.ts";

export interface RunSolMatesOptions extends SolMateFleetSettings {
  /** Ends the run: every device is disconnected, then the promise resolves. */
  readonly signal: AbortSignal;
  /** Told about once a second, and a last time at the end. */
  readonly onStatus?: (status: SolMateStatus) => void;
  /** For tests. */
  readonly clock?: Clock;
}

/**
 * Connects emulated SolMates to the door for them and lets them live until `signal` aborts. A server that is away, says no, or answers ERROR
 * is not an error: the devices keep trying, and the status tells it.
 * @throws DeviceConfigurationError which names everything that is wrong in the settings
 */
export async function runSolMates(options: RunSolMatesOptions): Promise<void> {
  const { signal, onStatus, clock = systemClock } = options;
  if (signal.aborted) return;
  await runTurns(new SolMateFleet(options, clock), { signal, onStatus, clock });
}
