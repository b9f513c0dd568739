import type { RequestListener } from "node:http";
import { paths } from "@wattboard/protocol";
import type { Gate } from "../access/gate.ts";
import type { SignIn } from "../access/sign-in.ts";
import { answerEarly } from "./problem.ts";

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
    else answerEarly(request, response, refusal);
  };
}
