import { availableParallelism, loadavg } from "node:os";

/**
 * How many times longer than on an idle machine things may take just now: what the load tells, or `TEST_PATIENCE`. Deadlines only end what
 * hangs, so a generous one costs a passing test nothing.
 */
function patience(): number {
  const given = process.env.TEST_PATIENCE;
  return given === undefined ? Math.min(20, Math.max(3, (loadavg()[0] ?? 0) / availableParallelism())) : Number(given);
}

/** A deadline of an idle machine, as this machine needs it now, ms. */
export function inTime(idleMs: number): number {
  return Math.ceil(idleMs * patience());
}
