// Loaded into a server by `node --expose-gc --import`: SIGUSR2 collects all garbage. The server's own code knows nothing of it.
import { isMainThread } from "node:worker_threads";

if (isMainThread) process.on("SIGUSR2", () => globalThis.gc?.());
