import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import type { PortAnswer, PortRequest } from "../read-port.ts";
import type { StoreDamage } from "../store.ts";
import { BlockStore } from "./block-store.ts";
import { storeFailureCode } from "./failure-code.ts";
import type { Answer, Numbered, Question, Task, WorkerSetup } from "./messages.ts";
import {
  readEnergy,
  readFleetTotals,
  readHistory,
  readInfo,
  readPoints,
  readSamples,
  readTimeline,
  type Work,
} from "./reader.ts";
import { repair } from "./repair.ts";
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

lowerThreadPriority();
const setup = workerData as WorkerSetup;
const port = parentPort;
if (port === null) throw new Error("This file runs as a worker of the embedded store.");
const post = (answer: Answer): void => port.postMessage(answer);
const store = new BlockStore(setup.path, setup, Date.now, (damage) => post({ damage }));
/** Who waits for an answer: the event loop under a number, or another thread, which asks over a port of its own, under one of its numbers. */
interface Asker {
  readonly number: number;
  readonly lent: MessagePort | null;
  /** What lay in the way of the answer and cannot be read. */
  readonly damage: StoreDamage[];
}
const questions = new Map<Asker, Work<unknown>>();
let tidyFrom = 0;
let timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
let isScheduledNow = false;

port.on("message", (request: Numbered) => {
  switch (request.kind) {
    case "samples":
    case "points":
    case "history":
    case "energy":
    case "timeline":
    case "fleetTotals":
    case "info":
    case "verify":
    case "repair":
      ask({ number: request.number, lent: null, damage: [] }, request);
      return;
    case "lend":
      lend(request.port);
      return;
    case "append":
      append(request.number, request.batch);
      schedule(true);
      return;
    case "abandon":
      abandon(null, request.abandoned);
      return;
    default:
      answer({ number: request.number, lent: null, damage: [] }, () => perform(request));
      if (request.kind === "close") close();
  }
});
schedule(false);
post({ number: 0, ok: true, result: null });

/** The ack goes out at the commit; sorting the batch into memory comes after it. */
function append(number: number, batch: Uint8Array): void {
  let journalId = 0;
  const isStored = answer({ number, lent: null, damage: [] }, () => {
    journalId = store.append(batch);
    return null;
  });
  if (isStored) store.apply(batch, journalId);
}

function perform(task: Exclude<Task, { readonly kind: "append" | "abandon" | "lend" }>): unknown {
  switch (task.kind) {
    case "latest":
      return store.latest();
    case "recordEvents":
      store.recordEvents(task.events);
      return null;
    case "events":
      return store.events(task.query);
    case "strike":
      return store.strikes.add(task.strike);
    case "strikes":
      return store.strikes.of(task.deviceId);
    case "unstrike":
      return store.strikes.remove(task.deviceId, task.strikeNumber);
    case "forget":
      store.forget(task.deviceIds);
      return null;
    case "settle":
      store.compactAll();
      return null;
    case "stall":
      Atomics.wait(task.authorizer, 0, 0);
      return null;
    case "close":
      store.close();
      return null;
  }
}

/** Answers the thread at the other end of the port, in turn with all other questions. */
function lend(lent: MessagePort): void {
  lent.on("message", (request: PortRequest) => {
    if (request.kind === "abandon") abandon(lent, request.abandoned);
    else ask({ number: request.number, lent, damage: [] }, request);
  });
  lent.once("close", () => abandon(lent));
  lent.unref();
}

function ask(requester: Asker, question: Question): void {
  questions.set(requester, begin(question, requester));
  schedule(true);
}

/** Nobody waits any more for that answer; without a number, for any that was asked for over the port. */
function abandon(lent: MessagePort | null, number?: number): void {
  for (const requester of questions.keys()) {
    if (requester.lent === lent && (number === undefined || requester.number === number)) questions.delete(requester);
  }
}

function begin(question: Question, { number, damage }: Asker): Work<unknown> {
  switch (question.kind) {
    case "samples":
      // An export says at its end what it lacks; charts show it as a gap.
      return readSamples(store.windows, question.query, (each) => damage.push(each));
    case "points":
      return readPoints(store, question.deviceId);
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
    case "repair":
      return repair(store, (share) => post({ number, share }));
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
      isMoreDue = store.compactStep(sliceMs);
    } catch (error) {
      // It is all in the journal still.
      tidyFrom = nowMs + retryMs;
      post({ complaint: `samples cannot be moved to their blocks: ${error instanceof Error ? error.message : error}` });
    }
  }
  schedule(isMoreDue || questions.size > 0);
}

function advance(requester: Asker, work: Work<unknown>): void {
  // To the end of the queue: the next slice is another's.
  questions.delete(requester);
  const deadlineMs = performance.now() + sliceMs;
  answer(requester, () => {
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
      if (performance.now() < deadlineMs) continue;
      questions.set(requester, work);
      return pending;
    }
  });
}

const pending = Symbol("pending");

/** Posts what `task` gives, or what it throws; nothing while it is pending. Gives whether it went well. */
function answer({ number, lent, damage }: Asker, task: () => unknown): boolean {
  try {
    const result = task();
    if (result === pending) return true;
    if (lent === null) post({ number, ok: true, result });
    else lent.postMessage({ number, ok: true, result, damage } satisfies PortAnswer);
    return true;
  } catch (error) {
    if (lent === null) post({ number, ok: false, error, code: storeFailureCode(error) });
    else lent.postMessage(lentFailure(number, error));
    return false;
  }
}

function lentFailure(number: number, error: unknown): PortAnswer {
  const message = `The store failed: ${error instanceof Error ? error.message : error}`;
  return { number, ok: false, code: storeFailureCode(error), message };
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
