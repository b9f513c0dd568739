import { parentPort, workerData } from "node:worker_threads";
import type { StoredSample } from "../store.ts";
import { JournalFile } from "./journal-file.ts";
import type { Answer, Numbered, Request, WorkerSetup } from "./messages.ts";

/** The store's thread: takes one request after another, so that a commit never waits for a lock. */
const setup = workerData as WorkerSetup;
const journal = new JournalFile(setup.path, setup);
const port = parentPort;
if (port === null) throw new Error("This file runs as a worker of the embedded store.");

port.on("message", (request: Numbered) => {
  port.postMessage(answer(request));
  if (request.kind === "append") {
    try {
      journal.tidy();
    } catch {
      // What could not be tidied is tried again after the next batch; a full disk is reported by that one's commit.
    }
  }
  if (request.kind === "close") port.close();
});
port.postMessage("ready");

function answer(request: Numbered): Answer {
  try {
    return { number: request.number, ok: true, result: perform(request) };
  } catch (error) {
    return { number: request.number, ok: false, error };
  }
}

function perform(request: Request): StoredSample[] | null {
  switch (request.kind) {
    case "append":
      journal.append(request.batch);
      return null;
    case "latest":
      return journal.latest();
    case "samples":
      return journal.samples(request.query);
    case "stall":
      Atomics.wait(request.gate, 0, 0);
      return null;
    case "close":
      journal.close();
      return null;
  }
}
