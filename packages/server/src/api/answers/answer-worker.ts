import { createHash } from "node:crypto";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Refusal } from "@wattboard/protocol";
import { Failure, type FailureCode } from "../../base/failure.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import type { MadeAnswer } from "../../http/answer-flow.ts";
import { PortReader } from "../../store/read-port.ts";
import { answerTo, type Question } from "./questions.ts";

/** What the thread is started with: a port that the store has lent. */
export interface AnswerSetup {
  readonly store: MessagePort;
}

export type AnswerRequest =
  | { readonly number: number; readonly question: Question }
  /** Nobody waits for the answer of that number any more. */
  | { readonly abandoned: number };

/** Each question is answered once, under its number, unless it was abandoned. */
export type AnswerReply = { readonly number: number } & (
  | { readonly made: MadeAnswer }
  | { readonly refusal: Refusal }
  | { readonly failure: { readonly code: FailureCode; readonly message: string } | null; readonly reason: unknown }
);

// Behind the store too, which has commits to make; and no further, or whoever waits for a lock that it holds would wait for long.
lowerThreadPriority(10);
const port = parentPort;
if (port === null) throw new Error("This file runs as the thread that makes answers.");
// Without its store it can answer nothing; another is started with the next question.
const store = new PortReader((workerData as AnswerSetup).store, () => process.exit());
const running = new Map<number, AbortController>();
const encoder = new TextEncoder();

port.on("message", async (request: AnswerRequest) => {
  if ("abandoned" in request) {
    running.get(request.abandoned)?.abort();
    return;
  }
  const { number, question } = request;
  const abandoned = new AbortController();
  running.set(number, abandoned);
  const reply = await replyTo(number, question, abandoned.signal);
  running.delete(number);
  if (!abandoned.signal.aborted) port.postMessage(reply, "made" in reply ? [reply.made.bytes.buffer] : []);
});

async function replyTo(number: number, question: Question, signal: AbortSignal): Promise<AnswerReply> {
  try {
    const answered = await answerTo(store, question, signal);
    if ("code" in answered) return { number, refusal: answered };
    const bytes = encoder.encode(JSON.stringify(answered.body));
    const etag = `"${createHash("sha1").update(bytes).digest("base64")}"`;
    return { number, made: { bytes, etag, untilMs: answered.untilMs } };
  } catch (error) {
    const failure = error instanceof Failure ? { code: error.code, message: error.message } : null;
    return { number, failure, reason: failure === null ? error : null };
  }
}
