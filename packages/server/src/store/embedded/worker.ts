import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { stepBack } from "../../base/step-back.ts";
import type { LentAnswer, LentQuery } from "../sample-source.ts";
import type { PointSample } from "../store.ts";
import { BlockStore } from "./block-store.ts";
import { storeFailureCode } from "./failure-code.ts";
import type { Answer, Numbered, Question, Task, WorkerSetup } from "./messages.ts";
import { readEnergy, readFleetTotals, readHistory, readInfo, readSamples, readTimeline, type Work } from "./reader.ts";
import { verify } from "./verify.ts";

/**
 * The store's thread. Tasks are done as they come; questions are answered in slices, one after the other in turn; what is left of the time goes
 * into tidying up. So a commit waits for one slice at the most.
 */
const sliceMs = 5;
/** While nothing else is to do, it looks this often whether something is due. */
const idleMs = 250;
/** What could not be tidied up (the disk is full) is tried again after this time. */
const retryMs = 1_000;

stepBack();
const setup = workerData as WorkerSetup;
const store = new BlockStore(setup.path, setup);
/** By the number under which the event loop asks, or by the port over which another thread does. */
const questions = new Map<number | MessagePort, Work<unknown>>();
let tidyFrom = 0;
let timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
let isScheduledNow = false;

const port = parentPort;
if (port === null) throw new Error("This file runs as a worker of the embedded store.");
const post = (answer: Answer): void => port.postMessage(answer);

port.on("message", (request: Numbered) => {
  switch (request.kind) {
    case "samples":
    case "history":
    case "energy":
    case "timeline":
    case "fleetTotals":
    case "info":
    case "verify":
      questions.set(request.number, begin(request, request.number));
      schedule(true);
      return;
    case "lend":
      lend(request.port);
      return;
    case "append":
      append(request.number, request.batch);
      schedule(true);
      return;
    case "abandon":
      questions.delete(request.abandoned);
      return;
    default:
      answer(request.number, () => perform(request));
      if (request.kind === "close") close();
  }
});
schedule(false);
post({ number: 0, ok: true, result: null });

/** The ack goes out at the commit; sorting the batch into memory comes after it. */
function append(number: number, batch: Uint8Array): void {
  let journalId = 0;
  const isStored = answer(number, () => {
    journalId = store.append(batch);
    return null;
  });
  if (isStored) store.absorb(batch, journalId);
}

function perform(task: Exclude<Task, { readonly kind: "append" | "abandon" | "lend" }>): unknown {
  switch (task.kind) {
    case "latest":
      return store.latest();
    case "points":
      return store.points(task.deviceId);
    case "recordEvents":
      store.recordEvents(task.events);
      return null;
    case "events":
      return store.events(task.query);
    case "settle":
      store.settle();
      return null;
    case "stall":
      Atomics.wait(task.gate, 0, 0);
      return null;
    case "close":
      store.close();
      return null;
  }
}

/** Pages are read for the thread at the other end of the port, in turn with all other questions. */
function lend(port: MessagePort): void {
  port.on("message", (query: LentQuery) => {
    questions.set(port, readSamples(store.windows, query));
    schedule(true);
  });
  port.once("close", () => questions.delete(port));
  port.unref();
}

function begin(question: Question, number: number): Work<unknown> {
  switch (question.kind) {
    case "samples":
      return readSamples(store.windows, question.query);
    case "history":
      return readHistory(store.windows, question.query);
    case "energy":
      return readEnergy(store.windows, question.query);
    case "timeline":
      return readTimeline(store.windows, question.query);
    case "fleetTotals":
      return readFleetTotals(store.windows, question.query);
    case "info":
      return readInfo(store, setup.retentionMs);
    case "verify":
      return verify(store, (share) => post({ number, share }));
  }
}

/** One slice of one question, one of tidying up, and then whatever has come meanwhile. */
function turn(): void {
  timer = null;
  const [next] = questions;
  if (next !== undefined) advance(...next);
  let isMoreDue = false;
  const nowMs = performance.now();
  if (nowMs >= tidyFrom) {
    try {
      isMoreDue = store.tidy(sliceMs);
    } catch (error) {
      // It is all in the journal still.
      tidyFrom = nowMs + retryMs;
      post({ complaint: `samples cannot be moved to their blocks: ${error instanceof Error ? error.message : error}` });
    }
  }
  schedule(isMoreDue || questions.size > 0);
}

function advance(asker: number | MessagePort, work: Work<unknown>): void {
  // To the end of the queue: the next slice is another's.
  questions.delete(asker);
  const deadlineMs = performance.now() + sliceMs;
  answer(asker, () => {
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
      if (performance.now() < deadlineMs) continue;
      questions.set(asker, work);
      return pending;
    }
  });
}

const pending = Symbol("pending");

/** Posts what `task` gives, or what it throws; nothing while it is pending. Gives whether it went well. */
function answer(asker: number | MessagePort, task: () => unknown): boolean {
  try {
    const result = task();
    if (result === pending) return true;
    if (typeof asker === "number") post({ number: asker, ok: true, result });
    else asker.postMessage({ samples: result as PointSample[] } satisfies LentAnswer);
    return true;
  } catch (error) {
    if (typeof asker === "number") post({ number: asker, ok: false, error, code: storeFailureCode(error) });
    else asker.postMessage(lentFailure(error));
    return false;
  }
}

function lentFailure(error: unknown): LentAnswer {
  return { code: "store_failed", message: `The store failed: ${error instanceof Error ? error.message : error}` };
}

function schedule(now: boolean): void {
  if (timer !== null) {
    if (isScheduledNow || !now) return;
    clearTimeout(timer as NodeJS.Timeout);
  }
  isScheduledNow = now;
  timer = now ? setImmediate(turn) : setTimeout(turn, idleMs);
}

function close(): void {
  if (timer !== null) {
    if (isScheduledNow) clearImmediate(timer as NodeJS.Immediate);
    else clearTimeout(timer as NodeJS.Timeout);
  }
  timer = null;
  port?.close();
}
