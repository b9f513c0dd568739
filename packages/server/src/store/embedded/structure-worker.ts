import { parentPort, workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { checkStructure } from "./structure.ts";

lowerThreadPriority();
parentPort?.postMessage(checkStructure(workerData as string));
