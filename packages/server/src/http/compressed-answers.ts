import { pipeline, Readable, type Transform } from "node:stream";
import { promisify } from "node:util";
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from "node:zlib";
import acceptNegotiator from "@fastify/accept-negotiator";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { AnswerBudget } from "./answer-budget.ts";

/** What is shorter fits into a packet as it is. */
const bytesMin = 1024;
/** Each holds some 100 KB and takes its turn in zlib's threads; an answer beyond it goes out as it is. */
const underWayMax = 32;

/** Texts; Parquet, backups and pictures would not become smaller. */
const textTypes = /^(?:text\/|image\/svg|application\/(?:javascript|json|problem\+json|x-ndjson)\b)/;

// What is made once, for each answer anew: as fast as gzip, and smaller. A window of 256 KiB bounds the memory.
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 18 } };
const gzipOptions = { level: 5 };

interface Coding {
  readonly compress: (bytes: Uint8Array) => Promise<Buffer>;
  readonly createStream: () => Transform;
}

const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

const codings: Readonly<Record<string, Coding>> = {
  br: {
    compress: (bytes) => brotli(bytes, brotliOptions),
    createStream: () => createBrotliCompress(brotliOptions),
  },
  gzip: { compress: (bytes) => gzipped(bytes, gzipOptions), createStream: () => createGzip(gzipOptions) },
};
/** The first that a client likes as much as the others. */
const names = Object.keys(codings);

/**
 * Compresses answers in zlib's threads for whoever takes that: what is held whole at once, so that only the few bytes that it becomes wait for a
 * slow caller; a stream at its caller's speed, and it ends when the caller leaves. To be called before `boundAnswers`, which counts what comes of
 * it.
 *
 * Only answers to GET: tokens, one-time links and tickets are told in answers to other methods alone, and the length of a compressed answer that
 * held a secret beside what the request said would tell the secret letter by letter (BREACH).
 */
export function compressAnswers(app: FastifyInstance, { budget }: { readonly budget: AnswerBudget }): void {
  let underWay = 0;
  app.addHook("onSend", async (request, reply, payload: unknown) => {
    if (request.method !== "GET" && request.method !== "HEAD") return payload;
    if (!textTypes.test(String(reply.getHeader("content-type") ?? "")) && reply.statusCode !== 304) return payload;
    addVary(reply);
    const name = acceptNegotiator.negotiate(request.headers["accept-encoding"] ?? "", names);
    const coding = name === null ? undefined : codings[name];
    if (coding === undefined || request.method === "HEAD" || isFixed(reply) || underWay >= underWayMax) return payload;

    if (payload instanceof Readable) {
      markCoded(reply, name as string);
      const stream = coding.createStream();
      // What fails before the first byte is answered as a problem, which is not compressed.
      stream.once("error", () => reply.removeHeader("content-encoding"));
      underWay++;
      pipeline(payload, stream, () => underWay--);
      return stream;
    }
    const isText = typeof payload === "string";
    if (!(isText || Buffer.isBuffer(payload)) || payload.length < bytesMin) return payload;
    const bytes = isText ? new TextEncoder().encode(payload) : payload;
    const release = budget.hold(request.caller, bytes.length);
    underWay++;
    try {
      const compressed = await coding.compress(bytes);
      markCoded(reply, name as string);
      return compressed;
    } finally {
      underWay--;
      release();
      // As `freeWhenSent` has it: the garbage collector would find it late.
      if (isText) (bytes.buffer as ArrayBuffer).transfer(0);
    }
  });
}

/** Whether the bytes have to go out as they are: they are compressed already, or a part, or lines that somebody waits for. */
function isFixed(reply: FastifyReply): boolean {
  return ["content-encoding", "content-range", "x-accel-buffering"].some((name) => reply.hasHeader(name));
}

function markCoded(reply: FastifyReply, name: string): void {
  reply.header("Content-Encoding", name).removeHeader("content-length").removeHeader("accept-ranges");
  // The same words in other bytes: RFC 9110, 8.8.3.3.
  const etag = reply.getHeader("etag");
  if (typeof etag === "string" && !etag.startsWith("W/")) reply.header("ETag", `W/${etag}`);
}

/** Caches keep an answer for each of the ways in which it is asked for. */
function addVary(reply: FastifyReply): void {
  const known = String(reply.getHeader("vary") ?? "");
  if (/accept-encoding|\*/i.test(known)) return;
  reply.header("Vary", known === "" ? "Accept-Encoding" : `${known}, Accept-Encoding`);
}
