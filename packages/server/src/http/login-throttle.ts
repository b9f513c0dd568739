import type { RequestListener } from "node:http";
import { paths } from "@wattboard/protocol";
import type { Authorizer } from "../access/authorizer.ts";
import type { SignIn } from "../access/sign-in.ts";
import { answerEarly } from "./problem.ts";

/** Where passwords are hashed, and where other secrets can be tried. */
const hashed = ["/session", "/me/password", "/one-time-links/redeem"].map((path) => paths.api + path);
const guarded = [...hashed, ...["/one-time-links/", "/share-session"].map((path) => paths.api + path)];

/**
 * Answers those who guess before anything else is done for them: a request that goes through all of the API costs ten times as much, and
 * a thousand a second would cost the live lane a third of a core.
 */
export function brakeGuesses(
  next: RequestListener,
  { authorizer, signIn }: { readonly authorizer: Authorizer; readonly signIn: SignIn },
): RequestListener {
  return (request, response) => {
    const isAt = (path: string): boolean => request.url?.startsWith(path) ?? false;
    const isGuess = request.method === "POST" && guarded.some(isAt);
    const refusal = isGuess ? signIn.refuseEarly(authorizer.signInSourceOf(request), hashed.some(isAt)) : null;
    if (refusal === null) next(request, response);
    else answerEarly(request, response, refusal);
  };
}
