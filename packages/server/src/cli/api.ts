import { text } from "node:stream/consumers";
import { type Problem, type Refusal, refusals } from "@wattboard/protocol";

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
