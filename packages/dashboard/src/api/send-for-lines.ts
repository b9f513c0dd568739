import { RequestFailed, send } from "./request.ts";

type TaskLine = { readonly share: number } | { readonly problem: { readonly message: string } } | object;

/**
 * Asks for something that takes long, and gives its result. The server answers line by line: how far it is, at last the result or what went wrong.
 * The signal ends it, here and on the server.
 */
export async function sendForLines<Result>(
  path: string,
  body: object,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<Result> {
  const response = await send("POST", path, body, signal);
  const lines = response.body?.pipeThrough(new TextDecoderStream());
  let result: Result | undefined;
  let rest = "";
  const read = (text: string): void => {
    if (text.trim() === "") return;
    const line = JSON.parse(text) as TaskLine;
    if ("share" in line) onShare(line.share);
    else if ("problem" in line) throw new RequestFailed(response.status, line.problem.message);
    else result = line as Result;
  };
  const reader = lines?.getReader();
  for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read()) {
    const texts = (rest + piece.value).split("\n");
    rest = texts.pop() ?? "";
    for (const text of texts) read(text);
  }
  read(rest);
  if (result === undefined) throw new RequestFailed(0, "The server stopped before it had an answer. Try again.");
  return result;
}
