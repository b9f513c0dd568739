import { parentPort, workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../base/lower-thread-priority.ts";
import { CommandDatabase } from "./command-database.ts";
import type { Answer, Numbered, Request } from "./command-store-client.ts";

/** The thread of `commands.db`: takes one request after another, so that no disk is waited for where the sockets are. */
lowerThreadPriority();
const file = new CommandDatabase(workerData as string);
const port = parentPort;
if (port === null) throw new Error("This file runs as a worker of the command thread.");

port.on("message", async (request: Numbered) => {
  port.postMessage(await answer(request));
  if (request.kind === "close") port.close();
});
port.postMessage("ready");

async function answer(request: Numbered): Promise<Answer> {
  try {
    return { number: request.number, ok: true, result: await perform(request) };
  } catch (error) {
    return { number: request.number, ok: false, error };
  }
}

function perform(request: Request): unknown {
  switch (request.kind) {
    case "load":
      return file.load();
    case "commit":
      return file.commit(request.rows);
    case "find":
      return file.find(request.scope, request.commandId);
    case "list":
      return file.list(request.scope, request.limit);
    case "fleetTargets":
      return file.fleetTargets(request.fleetCommandId);
    case "copy":
      return file.copyTo(request.path);
    case "close":
      return file.close();
  }
}
