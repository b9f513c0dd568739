import type { ServerResponse } from "node:http";

const tasksOf = new WeakMap<ServerResponse, (() => void)[]>();

/**
 * Runs the task when the answer has ended: it was sent, or its client has left. All tasks of an answer share one listener, since what streams an
 * answer has some of its own, and Node warns of more than ten.
 */
export function onAnswerEnd(response: ServerResponse, task: () => void): void {
  const known = tasksOf.get(response);
  if (known !== undefined) {
    known.push(task);
    return;
  }
  const tasks = [task];
  tasksOf.set(response, tasks);
  response.once("close", () => {
    for (const each of tasks) each();
  });
}
