import { parentPort, workerData } from "node:worker_threads";
import { yieldLoadCore } from "../measure/pinning.ts";
import { CommandLoad, type CommandLoadOptions } from "./command-load.ts";
import type { Order } from "./command-load-thread.ts";

/** The thread of the commands' load: does one order after another. What fails ends the bench. */
yieldLoadCore();
const port = parentPort;
if (port === null) throw new Error("This file runs as a worker of the command load's thread.");
const load = await CommandLoad.open(workerData as CommandLoadOptions);
port.on("message", async (order: Order) => {
  switch (order.kind) {
    case "giveSteadily":
      port.postMessage(await load.giveSteadily(order.count, order.perSecond));
      return;
    case "giveAll":
      port.postMessage(await load.giveAll());
      return;
    case "close":
      await load.close();
      port.close();
  }
});
port.postMessage("open");
