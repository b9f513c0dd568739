import { Agent, get } from "node:http";
import { parentPort, workerData } from "node:worker_threads";
import { yieldLoadCore } from "../measure/pinning.ts";
import type { AskingSetup } from "./asking.ts";

const { urls, askers } = workerData as AskingSetup;
const agent = new Agent({ keepAlive: true, maxSockets: askers });
const answered: Record<number, number> = {};
let isStopped = false;

yieldLoadCore();
parentPort?.once("message", () => {
  isStopped = true;
});
await Promise.all(
  Array.from({ length: askers }, async (_, asker) => {
    for (let at = Math.floor((asker * urls.length) / askers); !isStopped; at++) {
      const status = await ask(urls[at % urls.length] as string);
      answered[status] = (answered[status] ?? 0) + 1;
    }
  }),
);
parentPort?.postMessage(answered);

/** Reads the whole answer, and forgets it. */
function ask(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode ?? 0)).once("error", reject);
    }).once("error", reject);
  });
}
