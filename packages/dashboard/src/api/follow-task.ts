import type { Problem } from "@wattboard/protocol";
import { getStream, RequestFailed } from "./request.ts";

type TaskLine<Result> =
  | { readonly share: number }
  | { readonly problem: Pick<Problem, "code"> & { readonly message: string } }
  | Result;

/** Starts a long task of the server and follows it to its end: gives its result, or throws a `RequestFailed`. Whoever aborts it leaves it. */
export async function followTask<Result extends object>(
  method: "GET" | "POST",
  path: string,
  onShare: (share: number) => void,
  given: { readonly signal?: AbortSignal; readonly body?: object } = {},
): Promise<Result> {
  let rest = "";
  for await (const piece of await getStream(method, path, given)) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      const line = JSON.parse(text) as TaskLine<Result>;
      if ("share" in line) onShare(line.share);
      else if ("problem" in line) throw new RequestFailed(500, line.problem.message, line.problem.code);
      else return line;
    }
  }
  throw new RequestFailed(0, "The server broke off before it was done. Try again.");
}
