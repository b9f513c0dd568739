import type { RequestListener } from "node:http";
import { refuse } from "@wattboard/protocol";
import { YieldQueue } from "../base/yield-queue.ts";
import { answerEarly } from "./problem.ts";

/** Requests that may wait for their turn; one more is answered 429. */
const waitingMax = 5_000;

/** Lets requests in one by one, each in a turn of its own: a thousand at once, commands above all, step back behind live samples. */
export function queueRequests(next: RequestListener, yieldQueue = new YieldQueue(waitingMax)): RequestListener {
  return (request, response) => {
    const isTaken = yieldQueue.pass(
      () => next(request, response),
      // Who asked may have left meanwhile.
      () => !response.destroyed,
    );
    if (!isTaken) answerEarly(request, response, refuse("busy"));
  };
}
