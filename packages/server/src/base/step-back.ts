import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/** On how much less of a core than the event loop a thread that steps back insists where they share one; 0 to 19. */
const niceness = 5;

/** Lets live samples go first: on Linux each thread has a priority of its own, under its own number; elsewhere all of the process would step back. */
export function stepBack(): void {
  try {
    setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), niceness);
  } catch {
    // No /proc, or not allowed: then it goes on as it is.
  }
}
