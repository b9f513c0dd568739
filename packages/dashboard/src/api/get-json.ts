import type { Problem, RefusalCode } from "@wattboard/protocol";

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

export interface Answer<Body> {
  readonly body: Body;
  /** When the server wrote the answer, by its own clock and to the second; null where it does not say. */
  readonly serverTimeMs: number | null;
}

/** An answer of the API, or a `RequestFailed` thrown. A request that takes longer than ten seconds counts as unanswered. */
export async function getJson<Body>(path: string, signal: AbortSignal): Promise<Answer<Body>> {
  let response: Response;
  try {
    response = await fetch(path, {
      headers: { accept: "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
    });
  } catch (cause) {
    throw new RequestFailed(0, "The server does not answer.", undefined, cause);
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const problem = body as Partial<Problem> | undefined;
    throw new RequestFailed(
      response.status,
      problem?.detail ?? `The server answered ${response.status}.`,
      problem?.code,
    );
  }
  if (body === undefined) throw new RequestFailed(response.status, "The server's answer is not JSON.");
  const serverTimeMs = Date.parse(response.headers.get("date") ?? "");
  return { body: body as Body, serverTimeMs: Number.isNaN(serverTimeMs) ? null : serverTimeMs };
}

const answerWithinMs = 10_000;
