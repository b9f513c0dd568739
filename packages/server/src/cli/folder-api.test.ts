import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { refuse } from "@wattboard/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { Failure } from "../base/failure.ts";
import { createInProcessApp } from "../http/in-process.ts";
import { sendRefusal } from "../http/problem.ts";
import { FolderApi } from "./folder-api.ts";
import { CommandRefused } from "./report.ts";

const piece = Buffer.alloc(64 * 1024);
const broken = new Failure("store_failed", "The disk is gone.");

/** An API whose answers are bytes that somebody makes one by one. */
function open() {
  const seen = { made: 0, isEnded: false, signal: new AbortController().signal };
  async function* pieces(failsAfter: number) {
    try {
      for (; seen.made < failsAfter; seen.made++) yield piece;
      throw broken;
    } finally {
      seen.isEnded = true;
    }
  }
  const app = createInProcessApp();
  app.get("/api/v1/long", { handlerTimeout: 86_400_000 }, (request, reply) => {
    seen.signal = request.signal;
    return reply.send(Readable.from(pieces(1_000), { objectMode: false }));
  });
  app.get("/api/v1/short", (_, reply) => reply.send(Readable.from(pieces(3), { objectMode: false })));
  app.get("/api/v1/failing", () => Promise.reject(broken));
  app.get("/api/v1/refusing", (_, reply) => sendRefusal(reply, refuse("unknown_device")));
  app.post("/api/v1/who", ({ principal, body }) => ({ kind: principal?.kind, body }));
  onTestFinished(() => app.close());
  return { api: new FolderApi({ app, close: async () => {} }, "."), seen };
}

describe("the API over a folder", () => {
  test("is asked by an administrator, and says no as a server does", async () => {
    const { api } = open();
    const answer = await text(await api.send("POST", "/who", { device_id: "ems_001" }));
    expect(JSON.parse(answer)).toEqual({ kind: "local", body: { device_id: "ems_001" } });
    const refused = await api.send("GET", "/refusing").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CommandRefused);
    expect((refused as CommandRefused).refusal).toEqual(refuse("unknown_device"));
  });

  test("tells what has failed as it is, before an answer and in the midst of one", async () => {
    const { api, seen } = open();
    await expect(api.send("GET", "/failing")).rejects.toBe(broken);
    let bytes = 0;
    const read = async () => {
      for await (const each of await api.send("GET", "/short")) bytes += each.length;
    };
    await expect(read()).rejects.toBe(broken);
    expect([bytes > 0, seen.isEnded]).toEqual([true, true]);
  });

  test("makes no more of an answer than is read, and ends it with whoever reads it", async () => {
    const { api, seen } = open();
    for await (const _ of await api.send("GET", "/long")) if (seen.made >= 20) break;
    expect(seen.made).toBeLessThan(40);
    await expect.poll(() => seen.isEnded).toBe(true);
    // What would end it after a day ends with it, or the process would live so long.
    expect(seen.signal.aborted).toBe(true);
  });
});
