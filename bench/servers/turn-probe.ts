// Loaded into a server by `node --import`: looks once a millisecond how much of the CPU the event loop's thread has used since, and tells the most
// when it is asked over the process's channel. What else runs on the core, other threads or other programs, does not count.
import { isMainThread } from "node:worker_threads";

const lookMs = 1;

if (isMainThread) {
  let before = used();
  let longestMs = 0;
  const look = (): void => {
    const now = used();
    longestMs = Math.max(longestMs, now - before);
    before = now;
  };
  setInterval(look, lookMs).unref();
  process.on("message", () => {
    look();
    process.send?.(longestMs);
    longestMs = 0;
  });
  process.channel?.unref();
}

/** CPU time of this thread, ms. */
function used(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
