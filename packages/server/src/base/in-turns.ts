import { systemClock, untilNextTurn } from "./clock.ts";

/** Long enough that handing over hardly costs anything, short enough that no live sample notices. */
const turnMs = 2;

/**
 * Visits them one after the other until `visit` gives false, and lets the event loop have its turn every few milliseconds: so work on a whole
 * fleet holds up nobody. What `items` walks over may change between two turns.
 */
export async function visitInTurns<T>(items: Iterable<T>, visit: (item: T) => boolean): Promise<void> {
  let untilMs = systemClock.monotonicMs() + turnMs;
  for (const item of items) {
    if (!visit(item)) return;
    if (systemClock.monotonicMs() < untilMs) continue;
    await untilNextTurn(systemClock);
    untilMs = systemClock.monotonicMs() + turnMs;
  }
}
