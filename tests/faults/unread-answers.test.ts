/**
 * Callers who ask for much and read nothing, and pages of wide samples. What a caller does not take is bounded in bytes, his own bound is reached
 * before that of all, and whoever takes nothing is cut off, at every address; the others are served all the while.
 */
import { get } from "node:http";
import { connect, type Socket } from "node:net";
import { isRefusal, paths, type SamplesBody } from "@wattboard/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { batchOf, sampleAt } from "../support/samples.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const startMs = Date.UTC(2026, 0, 1);
const count = 3_000;
const range = "from=2026-01-01T00:00:00Z&to=2026-01-01T12:00:00Z";
const mebibyte = 1024 * 1024;

/** A server with a device of 61 points, among them texts. */
async function openWide(settings: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ settings });
  server.addDevice("ems_001");
  const own = (i: number) => Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`point_${at}`, i + at / 8]));
  for (let first = 0; first < count; first += 500) {
    const samples = Array.from({ length: 500 }, (_, at) => {
      const i = first + at;
      return sampleAt(startMs + i * 1_000, i, { own: { ...own(i), text: "x".repeat(i % 256) } });
    });
    await server.store.append([batchOf(samples)]);
  }
  return server;
}

const pageOf = (server: TestServer): string => `${server.url}${paths.api}/devices/ems_001/samples?${range}&limit=10000`;

/** Someone who asks again and again over one socket, and reads nothing. */
async function askUnread(address: string, times: number, head = "Host: 127.0.0.1\r\n"): Promise<Socket> {
  const { hostname, port, pathname, search } = new URL(address);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.pause();
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${head}\r\n`.repeat(times));
  return socket;
}

describe("a page of wide samples", () => {
  test("has about a mebibyte, and the pages give every sample exactly once, from either end", async () => {
    const server = await openWide();
    for (const take of ["first", "last"]) {
      const found: string[] = [];
      let cursor = "";
      let pages = 0;
      for (; ; pages++) {
        // As they are, so that their length can be told.
        const headers = { "accept-encoding": "identity" };
        const response = await fetch(`${pageOf(server)}&take=${take}${cursor}`, { headers });
        const text = await response.text();
        expect(Number(response.headers.get("content-length"))).toBe(Buffer.byteLength(text));
        expect(text.length).toBeLessThan(1.25 * mebibyte);
        const { samples, next_cursor: next } = JSON.parse(text) as SamplesBody;
        const times = samples.map(({ observed_at: at }) => at);
        if (take === "first") found.push(...times);
        else found.unshift(...times);
        if (next === null) break;
        expect(text.length).toBeGreaterThan(0.5 * mebibyte);
        cursor = `&cursor=${next}`;
      }
      expect(pages).toBeGreaterThan(2);
      expect(found).toEqual(Array.from({ length: count }, (_, i) => new Date(startMs + i * 1_000).toISOString()));
    }
  });
});

describe("a caller who reads nothing", () => {
  test("is refused at his own bound while others are served, is cut off, and may ask again", async () => {
    const server = await openWide({
      "answers.bytes_each": String(2 * mebibyte),
      "answers.stalled_ms": "1000",
      "access.dashboards": "people",
      "access.metrics_from": "127.0.0.1",
    });
    const token = (name: string): string => {
      const added = server.apiTokens.add(name, "viewer", null, null);
      if (isRefusal(added)) throw new Error(added.message);
      return added.token;
    };
    const ask = (bearer: string) => fetch(pageOf(server), { headers: { authorization: `Bearer ${bearer}` } });
    const [greedy, other] = [token("greedy"), token("other")];
    // So much that it does not fit into what the two systems hold for each socket.
    const head = `Host: 127.0.0.1\r\nAuthorization: Bearer ${greedy}\r\n`;
    await Promise.all(Array.from({ length: 4 }, () => askUnread(pageOf(server), 20, head)));
    await eventually(async () => {
      const refused = await ask(greedy);
      const { code } = (await refused.json()) as { code?: string };
      expect([refused.status, code, refused.headers.get("retry-after")]).toEqual([429, "too_many_answers", "1"]);
    });
    expect((await ask(other)).status).toBe(200);
    // Counted by the server: his bound, and what was begun when it was reached.
    expect(await metric(server, "answer_bytes")).toBeLessThan(2 * mebibyte + 4 * 1.25 * mebibyte);
    await eventually(async () => expect((await ask(greedy)).status).toBe(200), { withinMs: 20_000 });
  }, 60_000);

  test("keeps no room that others need: he is cut off in seconds, however patient the server is otherwise", async () => {
    const server = await openWide({
      "answers.bytes": String(4 * mebibyte),
      "answers.bytes_each": String(64 * mebibyte),
      "answers.stalled_ms": "3600000",
    });
    // Again and again, until what the systems hold for the sockets is full as well.
    const sockets = await Promise.all(Array.from({ length: 2 }, () => askUnread(pageOf(server), 4)));
    const { pathname, search } = new URL(pageOf(server));
    const again = setInterval(() => {
      for (const socket of sockets) socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    }, 100);
    onTestFinished(() => clearInterval(again));
    await eventually(async () => expect(await metric(server, "answers_cut_total")).toBeGreaterThan(0), {
      withinMs: 30_000,
    });
    clearInterval(again);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => {
      const answer = await fetch(pageOf(server));
      await answer.arrayBuffer();
      expect([answer.status, await metric(server, "answer_bytes")]).toEqual([200, 0]);
    });
  }, 60_000);

  test("is refused with the others where all that there is room for is under way", async () => {
    const server = await openWide({ "answers.bytes": String(mebibyte), "answers.bytes_each": String(64 * mebibyte) });
    const release = server.store.stall();
    onTestFinished(release);
    // It is begun, and has its room; the store does not answer yet.
    const begun = fetch(pageOf(server));
    await eventually(async () => {
      const refused = await fetch(pageOf(server));
      const { code } = (await refused.json()) as { code?: string };
      expect([refused.status, code, refused.headers.get("retry-after")]).toEqual([503, "answers_busy", "1"]);
    });
    release();
    expect((await begun).status).toBe(200);
    await eventually(async () => expect((await fetch(pageOf(server))).status).toBe(200));
  }, 60_000);

  test.each([
    ["the API", () => `${paths.api}/devices/ems_001/samples?${range}&limit=10000`],
    ["the API's document", () => `${paths.api}/openapi.json`],
    ["files of a page", () => `${paths.api}/docs/static/swagger-ui-bundle.js`],
  ])(
    "is cut off at %s",
    async (_, path) => {
      const server = await openWide({ "answers.stalled_ms": "1000" });
      // As often as it takes to fill what the two systems hold for a socket.
      const socket = await askUnread(`${server.url}${path()}`, 60);
      await eventually(async () => expect(await metric(server, "answers_cut_total")).toBe(1), { withinMs: 30_000 });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.resume();
      await closed;
      expect(await metric(server, "answer_bytes")).toBe(0);
      // Somebody who reads, however slowly he begins, gets all of it.
      const response = await fetch(`${server.url}${path()}`);
      expect(response.status).toBe(200);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(10_000);
    },
    60_000,
  );

  test("but who reads slowly is not: he gets all of the answer", async () => {
    const server = await openWide({ "answers.stalled_ms": "1000" });
    const bytes = await new Promise<number>((resolve, reject) => {
      get(pageOf(server), (response) => {
        let read = 0;
        response.on("data", (chunk: Buffer) => {
          read += chunk.length;
          response.pause();
          setTimeout(() => response.resume(), 20);
        });
        response.once("end", () => resolve(read)).once("error", reject);
      });
    });
    expect(bytes).toBeGreaterThan(0.5 * mebibyte);
  }, 60_000);
});

async function metric(server: TestServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^wattboard_${name} (\\d+)$`, "m").exec(text)?.[1]);
}
