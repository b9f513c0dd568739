import { parentPort, workerData } from "node:worker_threads";
import { stepBack } from "../../base/lower-thread-priority.ts";
import { checkStructure } from "./structure.ts";

stepBack();
parentPort?.postMessage(checkStructure(workerData as string));
