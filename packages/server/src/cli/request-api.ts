import { type Problem, refusals } from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";
import { CommandRefused } from "./report.ts";

/** Asks a server's API; `base` is its address with `/api/v1`. Throws `CommandRefused` where it says no, else a `Failure`: `no_server`, `request_failed`. */
export async function requestApi<T>(
  base: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(base + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
  } catch (error) {
    throw new Failure("no_server", `No answer from ${base}. Is the server running, and the address right?`, error);
  }
  if (response.ok) return (await response.json()) as T;
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
