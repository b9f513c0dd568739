import { type Clock, systemClock } from "@wattboard/device";
import { Fleet, type FleetSettings } from "./fleet.ts";
import type { FleetStatus } from "./fleet-status.ts";

export interface FleetOptions extends FleetSettings {
  /** Ends the run: every device is disconnected, then the promise resolves. */
  readonly signal: AbortSignal;
  /** Told about once a second, and a last time at the end. */
  readonly onStatus?: (status: FleetStatus) => void;
  /** For tests. */
  readonly clock?: Clock;
}

/** One timer for the whole fleet; each turn sends what came due since the last. */
const turnMs = 20;
const statusMs = 1_000;

/**
 * Connects a fleet and lets it live until `signal` aborts. A server that is away or says no is not an error: the devices keep trying,
 * and the status tells it.
 * @throws DeviceConfigurationError where the address or a token cannot be used at all
 */
export async function runFleet(options: FleetOptions): Promise<void> {
  const { signal, onStatus, clock = systemClock } = options;
  if (signal.aborted) return;
  const fleet = new Fleet(options, clock);
  try {
    await new Promise<void>((resolve, reject) => {
      let statusDueMs = clock.monotonicMs() + statusMs;
      let timer: unknown;
      const end = (settle: () => void) => {
        clock.clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = () => end(resolve);
      signal.addEventListener("abort", onAbort);

      const turn = () => {
        try {
          timer = clock.setTimeout(turn, turnMs);
          fleet.turn();
          if (clock.monotonicMs() < statusDueMs) return;
          statusDueMs = clock.monotonicMs() + statusMs;
          onStatus?.(fleet.status());
        } catch (error) {
          end(() => reject(error));
        }
      };
      turn();
    });
    onStatus?.(fleet.status());
  } finally {
    await fleet.stop();
  }
}
