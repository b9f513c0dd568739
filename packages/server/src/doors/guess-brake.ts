import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Problem, paths } from "@wattboard/protocol";
import type { Gate } from "../access/gate.ts";
import type { SignIn } from "../access/sign-in.ts";

/** Where secrets can be tried. */
const guarded = ["/session", "/me/password", "/one-time-links/", "/share-session"].map((path) => paths.api + path);

/**
 * Answers those who guess before anything else is done for them: a request that goes through all of the API costs ten times as much, and
 * a thousand a second would cost the live lane a third of a core.
 */
export function brakeGuesses(
  next: RequestListener,
  { gate, signIn }: { readonly gate: Gate; readonly signIn: SignIn },
): RequestListener {
  return (request, response) => {
    const isGuess = request.method === "POST" && guarded.some((path) => request.url?.startsWith(path));
    const refusal = isGuess ? signIn.refuseEarly(gate.addressOf(request)) : null;
    if (refusal === null) next(request, response);
    else answer(request, response, refusal);
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { code, message, retryAfterMs = 1_000 }: { code: Problem["code"]; message: string; retryAfterMs?: number },
): void {
  const problem: Problem = { type: "about:blank", title: "Too Many Requests", status: 429, detail: message, code };
  // Its body is not looked at, but must not stand before the next request of the same socket.
  request.resume();
  response.writeHead(429, {
    "Content-Type": "application/problem+json",
    "Retry-After": String(Math.ceil(retryAfterMs / 1_000)),
  });
  response.end(JSON.stringify(problem));
}
