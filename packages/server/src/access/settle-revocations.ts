import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Audit } from "./audit/audit.ts";
import type { Revocations } from "./revocations.ts";

const settleMs = 5_000;

/** Writes what was taken back while the disk was full where it belongs: now, and every few seconds. Gives what ends that, and writes once more. */
export function settleRevocations(clock: Clock, revocations: Revocations, audit: Audit): CancelTimer {
  const settle = (): boolean => revocations.settle((owed) => audit.recordOwed(owed));
  settle();
  const cancel = clock.every(settleMs, settle);
  return () => {
    cancel();
    settle();
  };
}
