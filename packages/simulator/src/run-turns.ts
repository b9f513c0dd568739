import type { Clock } from "@wattboard/device";

/** A fleet that is driven by turns. */
export interface Turning<Status> {
  /** Does what has come due. */
  turn(): void;
  status(): Status;
  /** Resolves when every link is closed. */
  stop(): Promise<void>;
}

export interface TurnOptions<Status> {
  readonly signal: AbortSignal;
  readonly onStatus?: ((status: Status) => void) | undefined;
  readonly clock: Clock;
}

/** One timer for the whole fleet; each turn does what came due since the last. */
const turnMs = 20;
const statusMs = 1_000;

/** Gives a fleet its turns until `signal` aborts, then stops it. The status is told about once a second, and a last time at the end. */
export async function runTurns<Status>(fleet: Turning<Status>, options: TurnOptions<Status>): Promise<void> {
  const { signal, onStatus, clock } = options;
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
