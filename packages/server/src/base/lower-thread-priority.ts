import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/**
 * Lets live samples go first: on Linux each thread has a priority of its own, under its own number; elsewhere all of the process would step back.
 * `niceness` says on how much less of a core than the event loop the thread insists where they share one, 0 to 19.
 */
export function lowerThreadPriority(niceness = 5): void {
  try {
    setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), niceness);
  } catch {
    // No /proc, or not allowed: then it goes on as it is.
  }
}
