import { workerData } from "node:worker_threads";
import { type CancelTimer, systemClock } from "../../base/clock.ts";
import { damagedFailure, databaseFault } from "../../base/database-file.ts";
import { Failure } from "../../base/failure.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { type Performed, postNotice, type RunningCall, serveMethods } from "../../base/worker-methods.ts";
import { readCoverage } from "../questions/coverage.ts";
import { readEnergy } from "../questions/energy.ts";
import { readFleetTotals } from "../questions/fleet-totals.ts";
import { readHistory } from "../questions/history.ts";
import { readSamples } from "../questions/samples.ts";
import { readTimeline } from "../questions/timeline.ts";
import type { ReadMethods, SamplesAnswer } from "../read-port.ts";
import type { SamplesQuery, StoreDamage, StoreRenewal } from "../store.ts";
import type { Work } from "../work.ts";
import { BlockStore } from "./block-store.ts";
import { storeFailureCode } from "./failure-code.ts";
import { readInfo } from "./info.ts";
import { Reader } from "./reader.ts";
import { repair } from "./repair.ts";
import type { StoreMethods, StoreNotice, StoreSetup } from "./store-methods.ts";
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

/** How often it is told how far the renewal of summaries has come. */
const renewalToldEveryMs = 1_000;

interface QueuedQuestion {
  readonly work: Work<unknown>;
  readonly call: RunningCall;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

lowerThreadPriority();
const setup = workerData as StoreSetup;
const clock = systemClock;
let renewalToldMs = Number.NEGATIVE_INFINITY;
const store = openStore();
const reader = new Reader(store.windows);
/** Whoever's turn comes next first. */
const questions: QueuedQuestion[] = [];
let tidyFromMs = 0;
let cancelTimer: CancelTimer = () => {};
let isTurnDue = false;
let isClosed = false;

const reads: Performed<ReadMethods> = {
  samples: (query, call) => answer(samplesWithDamage(query), call),
  points: ({ key }) => store.points(key),
  history: (query, call) => answer(readHistory(reader, query), call),
  coverage: (query, call) => answer(readCoverage(reader, query), call),
  energy: (query, call) => answer(readEnergy(reader, query), call),
  timeline: (query, call) => answer(readTimeline(reader, query), call),
  fleetTotals: (query, call) => answer(readFleetTotals(reader, query), call),
};

serveMethods<StoreMethods>(
  {
    ...reads,
    append(batch) {
      schedule(true);
      const journalId = store.append(batch);
      // The ack goes out at the commit, as soon as this returns; sorting the batch into memory comes right behind it.
      queueMicrotask(() => store.apply(batch, journalId));
    },
    openJournal: ({ key }, journalId, epoch) => store.deviceJournals.open(key, journalId, epoch),
    latest: () => store.latest(),
    recordEvents: (events) => store.events.record(events),
    events: (query) => store.events.list(query),
    strike: (registration, made) => store.strikes.add(registration, made),
    strikes: (registration) => store.strikes.of(registration),
    unstrike: (registration, number) => store.strikes.remove(registration, number),
    lend(port) {
      serveMethods<ReadMethods>(reads, { port, failureOf });
      port.unref();
    },
    forget: (keys) => store.forget(keys),
    compactAll: () => store.compactAll(),
    info: (call) => answer(readInfo(store, setup.retentionMs), call),
    verify: (call) =>
      answer(
        verify(store, (share) => call.progress(share)),
        call,
      ),
    repair: (call) =>
      answer(
        repair(store, (share) => call.progress(share)),
        call,
      ),
    stall: (authorizer) => void Atomics.wait(authorizer, 0, 0),
  },
  { failureOf, onClose: close },
);
schedule(false);

function tellRenewal(renewal: StoreRenewal): void {
  const nowMs = clock.monotonicMs();
  if (renewal.done < renewal.total && nowMs - renewalToldMs < renewalToldEveryMs) return;
  renewalToldMs = nowMs;
  postNotice<StoreNotice>({ renewal });
}

function openStore(): BlockStore {
  try {
    return new BlockStore(
      setup.path,
      setup,
      clock.wallMs,
      (damage) => postNotice<StoreNotice>({ damage }),
      clock.monotonicMs,
      tellRenewal,
    );
  } catch (error) {
    if (error instanceof Failure) throw error;
    const fault = databaseFault(error);
    if (fault === "damaged") throw damagedFailure(setup.path, error);
    const code = fault === null ? "store_failed" : "store_away";
    throw new Failure(code, `The store at ${setup.path} cannot be opened: ${messageOf(error)}`, error);
  }
}

function failureOf(error: unknown): Failure {
  return new Failure(storeFailureCode(error), `The store failed: ${messageOf(error)}`, error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An export says at its end what it lacks; charts show it as a gap. */
function* samplesWithDamage(query: SamplesQuery): Work<SamplesAnswer> {
  const damage: StoreDamage[] = [];
  const samples = yield* readSamples(new Reader(store.windows, (each) => damage.push(each)), query);
  return { samples, damage };
}

/** The result of the work, which is done in turn with that for all other questions. Where nobody waits for it any more it is left. */
function answer<T>(work: Work<T>, call: RunningCall): Promise<T> {
  schedule(true);
  return new Promise((resolve, reject) => {
    questions.push({ work, call, resolve: resolve as (result: unknown) => void, reject });
  });
}

/** One slice of one question, one of tidying up, and then whatever has come meanwhile. */
function turn(): void {
  isTurnDue = false;
  if (isClosed) return;
  advance();
  let isMoreDue = false;
  const nowMs = clock.monotonicMs();
  if (nowMs >= tidyFromMs) {
    try {
      isMoreDue = store.compactStep(sliceMs);
    } catch (error) {
      // It is all in the journal still.
      tidyFromMs = nowMs + retryMs;
      postNotice<StoreNotice>({ complaint: `samples cannot be moved to their blocks: ${messageOf(error)}` });
    }
  }
  schedule(isMoreDue || questions.length > 0);
}

function advance(): void {
  let question = questions.shift();
  while (question?.call.isAbandoned) question = questions.shift();
  if (question === undefined) return;
  const deadlineMs = clock.monotonicMs() + sliceMs;
  try {
    do {
      const step = question.work.next();
      if (step.done) {
        question.resolve(step.value);
        return;
      }
    } while (clock.monotonicMs() < deadlineMs);
    // The next slice is another's.
    questions.push(question);
  } catch (error) {
    question.reject(error);
  }
}

function schedule(now: boolean): void {
  if (isTurnDue) return;
  cancelTimer();
  isTurnDue = now;
  if (now) clock.nextTurn(turn);
  else cancelTimer = clock.after(idleMs, turn);
}

function close(): void {
  isClosed = true;
  cancelTimer();
  store.close();
}
