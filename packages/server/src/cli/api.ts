import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { type Problem, type Refusal, refusals } from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";

/** `/api/v1`, wherever it is: of a server, or over a data folder that no server has. */
export interface Api {
  /** The address of the server, where there is one. */
  readonly url?: string | undefined;
  /** The folder in which a backup's copies lie, where they need not be fetched. */
  readonly copiesIn?: string | undefined;
  /**
   * Asks for `path`, and gives the answer as it comes. A text is sent as the lines that it is, all else as JSON. Rejects with `CommandRefused` where
   * the answer is no, else with a `Failure`: of a server `no_server` or `request_failed`, of a folder what has failed there.
   */
  send(method: string, path: string, body?: unknown, options?: SendOptions): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export interface SendOptions {
  /** For the whole answer; 0: it takes as long as it takes. */
  readonly timeoutMs?: number;
  /** Told what stands behind the answer. */
  readonly onTrailers?: ((trailers: Readonly<Record<string, string | undefined>>) => void) | undefined;
}

/** As `send`, for an answer in JSON. */
export async function requestJson<T>(
  api: Api,
  method: string,
  path: string,
  body?: unknown,
  options?: SendOptions,
): Promise<T> {
  return JSON.parse(await text(await api.send(method, path, body, options))) as T;
}

/** All of a list that comes page by page; `path` has its query begun. */
export async function* pagesOf<Page extends { readonly next_cursor: string | null }>(
  api: Api,
  path: string,
): AsyncGenerator<Page> {
  for (let cursor = ""; ; ) {
    const page = await requestJson<Page>(api, "GET", path + cursor);
    yield page;
    if (page.next_cursor === null) return;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}

/** What a long task says, line by line. */
type ProgressLine<T> =
  | { readonly share: number }
  | { readonly problem: { readonly code: string; readonly message: string } }
  | T;

/** Reads the lines of a long task to its result, however long it takes. */
export async function followProgress<T extends object>(
  api: Api,
  method: string,
  path: string,
  progress: (share: number) => void,
  body?: unknown,
): Promise<T> {
  const { url } = api;
  const bytes = await api.send(method, path, body, { timeoutMs: 0 });
  for await (const line of createInterface({ input: Readable.from(bytes) })) {
    const said = JSON.parse(line) as ProgressLine<T>;
    if ("share" in said) progress(said.share);
    else if ("problem" in said) {
      const { message } = said.problem;
      throw new Failure("request_failed", url === undefined ? message : `${url} could not do it. ${message}`);
    } else return said;
  }
  throw new Failure("request_failed", `${url} broke off its answer. Is the server stopping? Try again.`);
}

/** What a problem document says; null where it is none of ours. */
export function readProblem(body: string): Refusal | null {
  try {
    const { code, detail } = JSON.parse(body) as Problem;
    return code in refusals ? { code, message: detail } : null;
  } catch {
    return null;
  }
}

export function contentTypeOf(body: unknown): { readonly "content-type"?: string } {
  if (body === undefined) return {};
  return { "content-type": typeof body === "string" ? "application/x-ndjson" : "application/json" };
}
