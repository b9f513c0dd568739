import { type Problem, paths, refusals } from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";
import { CommandRefused } from "./report.ts";
import { sendOverTls } from "./send-over-tls.ts";

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

/** As `requestApi`, for an answer that is no JSON. */
export async function sendToApi(
  { base, token, certificate }: ApiTarget,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  const init = {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  };
  let response: Response;
  try {
    response = await (certificate === undefined
      ? fetch(base + path, init)
      : sendOverTls(base + path, init, certificate));
  } catch (error) {
    throw new Failure("no_server", `No answer from ${base}. Is the server running, and the address right?`, error);
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => null)) as Problem | null;
  if (problem === null || !(problem.code in refusals)) {
    throw new Failure("request_failed", `${base} answered ${response.status} to ${method} ${path}.`);
  }
  const message =
    problem.code === "unauthorized"
      ? `${base} does not know the token: it is mistyped, expired or removed.`
      : problem.detail;
  throw new CommandRefused({ code: problem.code, message });
}
