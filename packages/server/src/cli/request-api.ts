import { type Problem, paths, refusals } from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";
import { CommandRefused } from "./report.ts";
import { sendByNode } from "./send-by-node.ts";

/** A server's API, and what lets us in. */
export interface ApiTarget {
  /** The server's address with `/api/v1`. */
  readonly base: string;
  readonly token: string;
  /** Of the server of this machine, where it speaks TLS: see `ControlFile`. */
  readonly certificate: string | undefined;
}

export function apiTarget(url: string, token: string, certificate?: string): ApiTarget {
  return { base: url.replace(/^ws/, "http").replace(/\/$/, "") + paths.api, token, certificate };
}

/** Asks a server's API. Throws `CommandRefused` where it says no, else a `Failure`: `no_server`, `request_failed`. */
export async function requestApi<T>(target: ApiTarget, method: string, path: string, body?: unknown): Promise<T> {
  return (await (await sendToApi(target, method, path, body)).json()) as T;
}

/**
 * As `requestApi`, for an answer that is no JSON. A text is sent as the lines that it is, all else as JSON. `timeoutMs` is for the whole answer;
 * 0: it takes as long as it takes. `onTrailers` is told what stands behind the answer.
 */
export async function sendToApi(
  { base, token, certificate }: ApiTarget,
  method: string,
  path: string,
  body?: unknown,
  timeoutMs = 30_000,
  onTrailers?: (trailers: Readonly<Record<string, string | undefined>>) => void,
): Promise<Response> {
  const isText = typeof body === "string";
  const init = {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { "content-type": isText ? "application/x-ndjson" : "application/json" }),
    },
    ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    ...(timeoutMs > 0 && { signal: AbortSignal.timeout(timeoutMs) }),
  };
  let response: Response;
  try {
    response = await (certificate === undefined && onTrailers === undefined
      ? fetch(base + path, init)
      : sendByNode(base + path, init, { certificate, onTrailers }));
  } catch (error) {
    throw new Failure("no_server", `No answer from ${base}. Is the server running, and the address right?`, error);
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => null)) as Problem | null;
  if (problem === null || !(problem.code in refusals)) {
    throw new Failure("request_failed", `${base} answered ${response.status} to ${method} ${path.split("?", 1)[0]}.`);
  }
  const message =
    problem.code === "unauthorized"
      ? `${base} does not know the token: it is mistyped, expired or removed.`
      : problem.detail;
  throw new CommandRefused({ code: problem.code, message });
}
