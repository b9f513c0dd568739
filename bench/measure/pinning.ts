import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";

/** The server, with all its threads, has this core to itself: the event loop, the store's worker, garbage collector and compiler. */
const serverCore = "0";
const loadCore = "1";

const taskset = "taskset";
const canPin = availableParallelism() >= 2 && spawnSync(taskset, ["--version"]).status === 0;

/** How the run is pinned, in words. */
export const pinning = canPin
  ? `server process (all threads) on core ${serverCore}, load generator on core ${loadCore}`
  : "not pinned (no taskset, or one core): figures are not those of one core";

/** The command line that runs Node with these arguments on the server's core. */
export function onServerCore(nodeArguments: readonly string[]): [command: string, args: string[]] {
  const node = process.execPath;
  return canPin ? [taskset, ["-c", serverCore, node, ...nodeArguments]] : [node, [...nodeArguments]];
}

/** Moves this process, with all its threads, to the load generator's core. */
export function moveToLoadCore(): void {
  if (canPin) spawnSync(taskset, ["-a", "-c", "-p", loadCore, String(process.pid)]);
}

/** Has this thread step back behind the others of the load generator's core; for load beside which something is measured. Linux only. */
export function yieldLoadCore(): void {
  // Each thread has a priority of its own there, under its own number.
  if (canPin) setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), 19);
}
