import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { paths, type Refusal } from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Authorizer } from "../access/authorizer.ts";
import type { Clock } from "../base/clock.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import { auditName } from "./access-guard.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import { onAnswerEnd } from "./answer-end.ts";
import { sendRefusal } from "./problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** For whom an answer's bytes are counted. */
    caller: string;
  }
}

/** A body as finished bytes, so that the event loop has nothing to do with it but to pass it on. */
export interface MadeAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  /** Up to when what it tells reaches; null where that says nothing. */
  readonly untilMs: number | null;
}

export interface FlowParts {
  readonly budget: AnswerBudget;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  /** Who takes nothing of what waits for so long is cut off. */
  readonly stalledMs: number;
}

/** What is handed to a socket at once; who takes less in the time is not there any more. */
const sliceBytes = 64 * 1024;
const lookMs = 500;
/** How long those may take nothing who hold what others need. */
const shortPatienceMs = 3_000;
/** Somebody who takes less a second holds what others wait for; on a mobile network of the slowest kind it is twice that. */
const bytesPerSecondMin = 8 * 1024;

/**
 * How every answer of the HTTP door reaches its caller, whatever the route: counted until it is taken, in slices as the socket drains, and no
 * longer than somebody reads.
 */
export function boundAnswers(app: FastifyInstance, { budget, clock, authorizer, stalledMs }: FlowParts): void {
  const readers = new Map<Socket, AnswerReader>();
  const cancel = clock.every(lookMs, () => {
    const nowMs = clock.monotonicMs();
    // While others are refused for want of room, nobody keeps it who does not read.
    const patienceMs = budget.isFull ? Math.min(stalledMs, shortPatienceMs) : stalledMs;
    for (const reader of readers.values()) if (reader.isStalled(nowMs, patienceMs)) cut(reader);
  });
  const cut = (reader: AnswerReader): void => {
    budget.cutCount++;
    reader.cut();
  };
  app.addHook("onClose", async () => cancel());
  app.decorateRequest("caller", "");

  app.addHook("onRequest", async (request, reply) => {
    request.caller = callerOf(request, authorizer);
    const isQuestion = request.method === "GET" && request.url.startsWith(paths.api);
    const refusal = isQuestion ? budget.refuse(request.caller) : null;
    if (refusal !== null) return refuseAnswer(reply, refusal);
  });

  // One slice of each answer under way waits here, and `budget` bounds those.
  const queue = new YieldQueue(Number.POSITIVE_INFINITY);
  /** A slice in a turn of the event loop, whoever it is for: live samples are read in between. */
  async function* inTurns(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    for (const slice of slicesOf(bytes)) {
      await new Promise<void>((resolve) => queue.pass(resolve));
      yield slice;
    }
  }

  app.addHook("onSend", (request, reply, payload, done) => {
    const { socket } = request.raw;
    // Nobody is there any more.
    if (socket.destroyed) return done(null, payload);
    const reader = readers.get(socket) ?? new AnswerReader(socket, () => readers.delete(socket));
    readers.set(socket, reader);
    const isText = typeof payload === "string";
    const isHeld = isText || Buffer.isBuffer(payload);
    const bytes = isHeld ? Buffer.byteLength(payload) : 0;
    const release = bytes === 0 ? () => {} : budget.hold(request.caller, bytes);
    // What is streamed takes as long as it takes; what is held whole must go some time.
    const msMax = bytes === 0 ? Number.POSITIVE_INFINITY : stalledMs + (1_000 * bytes) / bytesPerSecondMin;
    reader.add({ response: reply.raw, msMax, release });
    if (!isHeld || bytes <= sliceBytes) return done(null, payload);
    reply.header("Content-Length", bytes);
    done(null, Readable.from(inTurns(isText ? ownBytes(payload, reply.raw) : payload), { objectMode: false }));
  });
}

/** Who is known by a name of his own is counted by that; many share a link or are nobody in particular, so they are told apart by their address. */
function callerOf({ principal, raw }: FastifyRequest, authorizer: Authorizer): string {
  const isOwnName = principal?.kind === "person" || principal?.kind === "token" || principal?.kind === "local";
  return isOwnName ? auditName(principal) : `${auditName(principal)} ${authorizer.addressOf(raw)}`;
}

/** An answer that is under way. */
interface Underway {
  readonly response: ServerResponse;
  /** How long it may take from when it is its turn on the socket. */
  readonly msMax: number;
  release(): void;
}

/** The socket of somebody to whom answers are under way, one behind the other. */
class AnswerReader {
  readonly #socket: Socket;
  readonly #answers = new Set<Underway>();
  readonly #gone: () => void;
  #first: Underway | undefined;
  #firstSinceMs = 0;
  #taken = 0;
  #takenAtMs = 0;

  constructor(socket: Socket, gone: () => void) {
    this.#socket = socket;
    this.#gone = gone;
    // An answer that waits behind another on the same socket hears nothing of its end.
    socket.once("close", this.#closed);
  }

  add(answer: Underway): void {
    this.#answers.add(answer);
    onAnswerEnd(answer.response, () => {
      answer.release();
      this.#answers.delete(answer);
      if (this.#answers.size > 0) return;
      this.#socket.off("close", this.#closed);
      this.#gone();
    });
  }

  /** Whether nothing of what waits was taken for so long, or the first answer has had its time. */
  isStalled(nowMs: number, stalledMs: number): boolean {
    const { bytesWritten, writableLength } = this.#socket;
    // The others wait until this one is through.
    const first = [...this.#answers].find(({ response }) => response.socket !== null);
    if (first !== this.#first) {
      this.#first = first;
      this.#firstSinceMs = nowMs;
      this.#takenAtMs = nowMs;
    }
    const taken = bytesWritten - writableLength;
    if (writableLength === 0 || taken !== this.#taken) this.#takenAtMs = nowMs;
    this.#taken = taken;
    const isSlow = first !== undefined && nowMs - this.#firstSinceMs >= first.msMax;
    return isSlow || nowMs - this.#takenAtMs >= stalledMs;
  }

  cut(): void {
    this.#socket.destroy();
  }

  readonly #closed = (): void => {
    for (const { release } of this.#answers) release();
    this.#answers.clear();
    this.#gone();
  };
}

/** Says when to ask again, where that helps. */
export function refuseAnswer(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.code === "too_many_answers" || refusal.code === "answers_busy") reply.header("Retry-After", "1");
  return sendRefusal(reply, refusal);
}

/** The bytes in pieces that a socket takes at once. */
export function* slicesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}

function ownBytes(text: string, response: ServerResponse): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  freeWhenSent(bytes, response);
  return bytes;
}

/**
 * Gives the memory of bytes that belong to this answer alone back once the system has them. Left to the garbage collector they would lie about until
 * V8 counts 64 MB outside its heap, and then stops the event loop to mark all of it: every second or two while viewers ask for large answers.
 */
function freeWhenSent(bytes: Uint8Array<ArrayBuffer>, response: ServerResponse): void {
  response.once("finish", () => bytes.buffer.transfer(0));
}

/** Sends a body that was made elsewhere, or says that the caller has it already. */
export function sendMade(request: FastifyRequest, reply: FastifyReply, { bytes, etag }: MadeAnswer): FastifyReply {
  reply.header("ETag", etag);
  const known = request.headers["if-none-match"]?.split(",").map((each) => each.trim().replace(/^W\//, "")) ?? [];
  if (known.includes(etag)) return reply.code(304).send();
  freeWhenSent(bytes, reply.raw);
  return reply.type("application/json; charset=utf-8").send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}
