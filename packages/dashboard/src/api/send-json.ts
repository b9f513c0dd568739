import type { Problem } from "@wattboard/protocol";
import { RequestFailed } from "./get-json.ts";

/** Changes something on the server, and gives its answer, or throws a `RequestFailed` whose message can be shown. */
export async function sendJson<Body>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: object,
): Promise<Body> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
  } catch (cause) {
    throw new RequestFailed(0, "The server does not answer. Nothing may have changed; try again.", undefined, cause);
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as Body;
  const problem = answer as Partial<Problem> | undefined;
  throw new RequestFailed(response.status, problem?.detail ?? `The server answered ${response.status}.`, problem?.code);
}
