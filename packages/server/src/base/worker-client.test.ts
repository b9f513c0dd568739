import { execFile } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { promisify } from "node:util";
import { MessageChannel } from "node:worker_threads";
import { inTime, ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { Failure } from "./failure.ts";
import { MethodCaller, WorkerClient, type WorkerClientOptions } from "./worker-client.ts";
import { type Performed, serveMethods } from "./worker-methods.ts";

/** What the thread below does. */
interface TestMethods {
  add(one: number, other: number): number;
  bytes(): Uint8Array;
  length(bytes: Uint8Array): number;
  fail(): never;
  failOtherwise(): never;
  unclonable(): unknown;
  exit(code: number): void;
  crash(): void;
  wait(): string;
  abandoned(): number;
  countUp(): number;
  ackFirst(): string;
}

const methodsUrl = new URL("./worker-methods.ts", import.meta.url).href;
const failureUrl = new URL("./failure.ts", import.meta.url).href;

/** A worker's file, with `setup` as what it does before it serves. */
function workerFile(setup = ""): URL {
  const source = `
    import { workerData, parentPort } from "node:worker_threads";
    import { Moved, postNotice, serveMethods } from ${JSON.stringify(methodsUrl)};
    import { Failure } from ${JSON.stringify(failureUrl)};
    let abandoned = 0;
    let count = 0;
    ${setup}
    serveMethods({
      add: (one, other) => one + other,
      bytes() {
        const bytes = new Uint8Array([1, 2, 3]);
        return new Moved(bytes, [bytes.buffer]);
      },
      length: (bytes) => bytes.length,
      fail() {
        const disk = Object.assign(new Error("no room"), { code: "ENOSPC", errno: -28 });
        throw new Failure("store_failed", "It cannot be stored.", new TypeError("not written", { cause: disk }));
      },
      async failOtherwise() { throw new RangeError("out of range"); },
      unclonable: () => () => {},
      exit: (code) => process.exit(code),
      crash() { setImmediate(() => { throw new Error("a mistake of ours"); }); return new Promise(() => {}); },
      wait: (call) => new Promise((resolve) => call.signal.addEventListener("abort", () => { abandoned++; resolve("late"); })),
      abandoned: () => abandoned,
      async countUp(call) {
        for (const share of [0.25, 0.5, 1]) call.progress(share);
        postNotice("counted");
        return ++count;
      },
      ackFirst() { queueMicrotask(() => postNotice("behind the answer")); return "answer"; },
    }, { onClose: () => postNotice("closed") });`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

function openClient(options: Partial<WorkerClientOptions<string>> = {}) {
  const clock = new ManualClock();
  const heard: string[] = [];
  const client = new WorkerClient<TestMethods, string>({
    url: workerFile(),
    clock,
    name: "the thread of the test",
    endedCode: "store_stopped",
    onNotice: (notice) => heard.push(notice),
    onEnded: (reason) => heard.push(`ended: ${reason}`),
    ...options,
  });
  onTestFinished(() => client.terminate());
  return { client, clock, heard };
}

test("each call is answered under its number, whichever is done first; the first one starts the thread", async () => {
  const { client } = openClient();
  const [sum, text, slow] = await Promise.all([
    client.call("add", 2, 3),
    client.call("ackFirst"),
    client.call("countUp"),
  ]);
  expect([sum, text, slow]).toEqual([5, "answer", 1]);
  expect(client.pendingCount).toBe(0);
});

test("bytes are moved in both directions, not copied", async () => {
  const { client } = openClient();
  const sent = new Uint8Array(100);
  expect(await client.callWith({ transfer: [sent.buffer] }, "length", sent)).toBe(100);
  expect(sent.byteLength).toBe(0);
  expect(await client.call("bytes")).toEqual(new Uint8Array([1, 2, 3]));
});

test("a failure arrives with its code, and with causes that have their names and codes", async () => {
  const { client } = openClient();
  const error = await client.call("fail").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Failure);
  expect(error).toMatchObject({
    code: "store_failed",
    message: "It cannot be stored.",
    cause: { name: "TypeError", message: "not written", cause: { message: "no room", code: "ENOSPC", errno: -28 } },
  });
  expect((error as Failure).stack).toContain("at Object.fail");
  // Our own mistake stays one.
  const other = await client.call("failOtherwise").catch((thrown: unknown) => thrown);
  expect(other).not.toBeInstanceOf(Failure);
  expect(other).toMatchObject({ name: "RangeError", message: "out of range" });
});

test("what cannot be cloned is the caller's error, and the thread goes on", async () => {
  const { client } = openClient();
  await expect(client.call("unclonable")).rejects.toMatchObject({ name: "DataCloneError" });
  await expect(client.call("length", (() => {}) as never)).rejects.toMatchObject({ name: "DataCloneError" });
  expect(client.pendingCount).toBe(0);
  expect(await client.call("add", 1, 1)).toBe(2);
});

test("a thread that dies in the middle of calls fails them all, and the next call starts another, once a second at most", async () => {
  const { client, clock, heard } = openClient();
  const calls = [client.call("wait"), client.call("crash"), client.call("wait")];
  for (const call of await Promise.allSettled(calls)) {
    expect(call).toMatchObject({
      status: "rejected",
      reason: {
        code: "store_stopped",
        message: "The thread of the test has ended: a mistake of ours.",
        cause: { message: "a mistake of ours" },
      },
    });
  }
  expect(heard).toEqual(["ended: a mistake of ours"]);
  expect(client.pendingCount).toBe(0);
  await expect(client.call("add", 1, 1)).rejects.toMatchObject({ code: "store_stopped" });
  clock.advance(1_000);
  expect(await client.call("add", 1, 1)).toBe(2);
  clock.advance(5_000);
  await expect(client.call("exit", 0)).rejects.toThrow("The thread of the test has ended: it was ended.");
  expect(await client.call("countUp")).toBe(1);
});

test("a worker that cannot start says why, by its own failure where it has one", async () => {
  const failing = 'throw new Failure("data_newer", "It is newer than this program.");';
  const { client } = openClient({ url: workerFile(failing) });
  await expect(client.start()).rejects.toMatchObject({
    name: "Failure",
    code: "data_newer",
    message: "It is newer than this program.",
  });
  await client.close();
  const { client: other, clock } = openClient({ url: workerFile('throw new Error("no such thing");') });
  const called = other.call("add", 1, 1);
  await expect(other.start()).rejects.toMatchObject({
    code: "store_stopped",
    message: "The thread of the test cannot start: no such thing",
    cause: { message: "no such thing" },
  });
  await expect(called).rejects.toMatchObject({ code: "store_stopped" });
  clock.advance(1_000);
  await expect(other.start()).rejects.toThrow("cannot start: no such thing");
});

test("where there is nothing to start a thread with, the call says so, and the next one tries again", async () => {
  const away = new Failure("store_away", "The store is away.");
  let isAway = true;
  const { client } = openClient({
    setup() {
      if (isAway) throw away;
      return { data: null };
    },
  });
  await expect(client.call("add", 1, 1)).rejects.toBe(away);
  await expect(client.start()).rejects.toBe(away);
  isAway = false;
  expect(await client.call("add", 1, 1)).toBe(2);
});

test("an aborted call rejects with the signal's reason at once; the worker is told, and nothing is left on the signal", async () => {
  const { client } = openClient();
  const leaving = new AbortController();
  const reason = new Error("has left");
  const call = client.callWith({ signal: leaving.signal }, "wait");
  const other = client.call("wait");
  await client.callWith({ signal: leaving.signal }, "add", 1, 1);
  expect(getEventListeners(leaving.signal, "abort")).toHaveLength(1);
  leaving.abort(reason);
  await expect(call).rejects.toBe(reason);
  expect(await client.call("abandoned")).toBe(1);
  await expect(client.callWith({ signal: leaving.signal }, "add", 1, 1)).rejects.toBe(reason);
  expect(client.pendingCount).toBe(1);
  await client.terminate();
  await expect(other).rejects.toMatchObject({ code: "store_stopped" });
});

test("progress is told while a call runs, notices beside the answers, and what a method leaves for later comes behind its answer", async () => {
  const order: string[] = [];
  const { client } = openClient({ onNotice: (notice) => order.push(notice) });
  const progress = (share: number): void => void order.push(String(share));
  await client.callWith({ progress }, "countUp").then((result) => order.push(`result ${result}`));
  expect(order).toEqual(["0.25", "0.5", "1", "counted", "result 1"]);
  await client.call("ackFirst").then((answer) => order.push(answer));
  await client.call("add", 1, 1);
  expect(order.slice(5)).toEqual(["answer", "behind the answer"]);
});

test("closed twice it ends once, behind the calls before; closed before it began it starts nothing; afterwards calls are refused", async () => {
  const { client, heard } = openClient();
  const answered = client.call("add", 2, 2);
  await Promise.all([client.close(), client.close()]);
  await client.close();
  expect(await answered).toBe(4);
  expect(heard).toEqual(["closed"]);
  await expect(client.call("add", 1, 1)).rejects.toThrow("The thread of the test has ended: it was closed.");
  await expect(client.start()).rejects.toMatchObject({ code: "store_stopped" });
  const { client: unused } = openClient({ url: workerFile("process.exit(1)") });
  await unused.close();
  await unused.terminate();
});

test("a thread that dies while it is being closed does not leave its caller waiting", async () => {
  const { client } = openClient();
  const dying = client.call("exit", 1);
  const closing = client.close();
  await expect(dying).rejects.toMatchObject({ code: "store_stopped" });
  await expect(closing).rejects.toMatchObject({ code: "store_stopped" });
});

test("a process lives as long as it waits for a thread, and no longer", async () => {
  const slowToEnd = "setTimeout(() => {}, 1_000);";
  const program = `
    import { systemClock } from ${JSON.stringify(new URL("./clock.ts", import.meta.url).href)};
    import { WorkerClient } from ${JSON.stringify(new URL("./worker-client.ts", import.meta.url).href)};
    const open = () => new WorkerClient({
      url: new URL(${JSON.stringify(workerFile(slowToEnd).href)}), clock: systemClock, name: "the thread", endedCode: "store_stopped",
    });
    const closed = open();
    await closed.start();
    console.log(await closed.call("add", 1, 2));
    await closed.close();
    const last = open();
    console.log(await last.callOnce({}, "add", 2, 2));
    const left = open();
    await left.start();
    console.log("done");`;
  const args = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: inTime(20_000) });
  expect(stdout).toBe("3\n4\ndone\n");
});

test("a call that is the only one takes its thread with it", async () => {
  const { client } = openClient();
  expect(await client.callOnce({}, "add", 1, 2)).toBe(3);
  await expect(client.call("add", 1, 1)).rejects.toThrow("it was closed");
});

test("over a port alone, whoever is asked hears that the port has been closed", async () => {
  const { port1, port2 } = new MessageChannel();
  let abandoned = 0;
  const methods: Performed<Pick<TestMethods, "wait">> = {
    wait: (call) => {
      call.signal.addEventListener("abort", () => abandoned++);
      return new Promise(() => {});
    },
  };
  serveMethods(methods, { port: port1 });
  const caller = new MethodCaller<Pick<TestMethods, "wait">>(port2);
  const call = caller.call("wait");
  const closed = once(port1, "close");
  await new Promise((resolve) => setImmediate(resolve));
  port2.close();
  await closed;
  expect(abandoned).toBe(1);
  caller.end(new Failure("store_stopped", "The store has ended."));
  await expect(call).rejects.toMatchObject({ code: "store_stopped" });
  await expect(caller.call("wait")).rejects.toMatchObject({ code: "store_stopped" });
});
