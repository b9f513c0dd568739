import type { Problem, RefusalCode } from "@wattboard/protocol";
import { serverClock } from "./server-clock.ts";

/** A request that got no good answer. `status` is 0 where there was no answer at all. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  readonly status: number;
  readonly code: RefusalCode | undefined;

  constructor(status: number, message: string, code?: RefusalCode, cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.code = code;
  }

  /** Whether the server answered and wants to know who asks. */
  get isRefused(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** An answer of the API, or a `RequestFailed` thrown. A request that takes longer than ten seconds counts as unanswered. */
export async function getJson<Body>(path: string, signal?: AbortSignal): Promise<Body> {
  const timeout = AbortSignal.timeout(10_000);
  const response = await ask(path, { signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
  const body = await bodyOf(response);
  if (body === undefined) throw new RequestFailed(response.status, "The server's answer is not JSON.");
  return body as Body;
}

/** Changes something on the server, and gives its answer, or throws a `RequestFailed` whose message can be shown. */
export async function sendJson<Body>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: object,
): Promise<Body> {
  const response = await ask(
    path,
    {
      method,
      ...withBody(body),
      signal: AbortSignal.timeout(20_000),
    },
    " Nothing may have changed; try again.",
  );
  return (await bodyOf(response)) as Body;
}

/** Has a file made on the server, which may take as long as a minute. Throws a `RequestFailed` whose message can be shown. */
export async function sendForFile(method: "POST", path: string, body: object): Promise<Blob> {
  const response = await ask(path, { method, ...withBody(body), signal: AbortSignal.timeout(60_000) });
  if (!response.ok) await bodyOf(response);
  return response.blob();
}

/** The pieces of a text as they come, from a request that may take as long as it likes. Throws a `RequestFailed`. */
export async function getStream(
  method: "GET" | "POST",
  path: string,
  { signal, body }: { readonly signal?: AbortSignal | undefined; readonly body?: object | undefined } = {},
): Promise<AsyncIterable<string>> {
  const response = await ask(path, { method, signal: signal ?? null, ...withBody(body) });
  if (!response.ok) await bodyOf(response);
  if (response.body === null) throw new RequestFailed(response.status, "The server's answer is empty.");
  return pieces(response.body);
}

async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  // Not every browser can iterate over a stream.
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw new RequestFailed(0, "The connection to the server was lost before it was done.", undefined, cause);
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function withBody(body: object | undefined): RequestInit {
  return body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

async function ask(path: string, init: RequestInit, hint = ""): Promise<Response> {
  try {
    const response = await fetch(path, { ...init, headers: { accept: "application/json", ...init.headers } });
    // Cut to the second: the server is this far at least, so that what a stream tells to the millisecond still holds.
    const serverTimeMs = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(serverTimeMs)) serverClock.observe(serverTimeMs);
    return response;
  } catch (cause) {
    throw new RequestFailed(0, `The server does not answer.${hint}`, undefined, cause);
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const problem = body as Partial<Problem> | undefined;
  throw new RequestFailed(response.status, wordsOf(problem, response.status), problem?.code);
}

/** What the API says is for programs; these are for people. */
const words: { readonly [Code in RefusalCode]?: string } = {
  unauthorized: "You are not signed in here any more. Sign in, and try again.",
  not_permitted: "You may not do this.",
  cross_origin:
    "This page was opened at an address that the server does not know as its own. Open it at its usual one.",
  insecure_transport: "The connection to the server is not encrypted, so it tells nothing. Open it with https://.",
  too_many_answers: "You have asked for more at once than the server gives. Wait a moment, and try again.",
  timeout: "The answer took too long. Ask for a shorter span.",
};

function wordsOf(problem: Partial<Problem> | undefined, status: number): string {
  const { code, detail } = problem ?? {};
  if (detail === undefined) return `The server answered ${status}.`;
  // Schemas are no word for people; what does not fit stands behind.
  if (code === "invalid_request") return detail.replace("The request does not fit its schema. ", "");
  return (code !== undefined && words[code]) || detail;
}
