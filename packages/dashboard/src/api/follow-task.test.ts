import { afterEach, expect, test, vi } from "vitest";
import { followTask } from "./follow-task.ts";

afterEach(() => vi.unstubAllGlobals());

/** A server that answers with these pieces, and breaks off after them where an error is given. */
function answerWith(pieces: readonly string[], error?: Error): void {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      if (error === undefined) controller.close();
    },
    pull(controller) {
      if (error !== undefined) controller.error(error);
    },
  });
  vi.stubGlobal("fetch", async () => new Response(body));
}

async function follow() {
  const shares: number[] = [];
  const result = await followTask("POST", "/api/v1/backups", (share) => shares.push(share)).catch(String);
  return { shares, result };
}

test("progress is told line by line, however the lines are cut, and the result at the end", async () => {
  answerWith(['{"share":0}\n{"sha', 're":0.5}\n{"share":1}\n{"faults":["ä', '"]}\n']);
  expect(await follow()).toEqual({ shares: [0, 0.5, 1], result: { faults: ["ä"] } });
});

test("a problem is an error in the server's words", async () => {
  answerWith(['{"share":0}\n', '{"problem":{"code":"store_unavailable","message":"The disk is full."}}\n']);
  expect(await follow()).toEqual({ shares: [0], result: "RequestFailed: The disk is full." });
});

test("an answer without an end, and one that breaks off, are no results", async () => {
  answerWith(['{"share":0.3}\n', '{"faults":[]}']);
  expect((await follow()).result).toMatch(/broke off before it was done/);
  answerWith(['{"share":0.3}\n'], new Error("gone"));
  expect(await follow()).toEqual({ shares: [0.3], result: expect.stringMatching(/connection to the server was lost/) });
});

test("what is refused at once is the refusal", async () => {
  const problem = { status: 429, code: "busy", detail: "One at a time." };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(problem), { status: 429 }));
  expect((await follow()).result).toBe("RequestFailed: One at a time.");
});
