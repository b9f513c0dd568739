import { get } from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { isRefusal } from "@wattboard/protocol";
import { expect, onTestFinished, test } from "vitest";
import { metric } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { startServer, type TestServer, type TestServerOptions } from "../../support/start-server.ts";
import { askWire, unpacked, type WireAnswer } from "../../support/wire-answer.ts";

const startMs = Date.UTC(2026, 0, 1);
const samplesPath = "/api/v1/devices/ems_001/samples?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";

/** A server with so many samples of a device as there are seconds from the first of January on. */
async function startWith(count: number, options?: TestServerOptions): Promise<TestServer> {
  const server = await startServer(options);
  server.addDevice("ems_001");
  for (let first = 0; first < count; first += 1_000) {
    const length = Math.min(1_000, count - first);
    const samples = Array.from({ length }, (_, at) =>
      sampleAt(startMs + (first + at) * 1_000, first + at, { own: { turns: Math.sin(first + at) } }),
    );
    await server.store.append([batchOf(samples)]);
  }
  return server;
}

function accepting(codings: string): Record<string, string> {
  return { "accept-encoding": codings };
}

test("an answer above 1 KB is compressed as its caller takes it, and says the same", async () => {
  const { url } = await startWith(500);
  const ask = (headers?: Record<string, string>) => askWire(`${url}${samplesPath}&limit=500`, headers);
  const plain = await ask();
  expect(plain.headers["content-encoding"]).toBeUndefined();
  for (const [codings, coding] of [
    ["br, gzip", "br"],
    ["gzip, deflate", "gzip"],
    ["br;q=0, gzip", "gzip"],
    ["gzip;q=1.0, br;q=0.5", "gzip"],
    ["*", "br"],
    ["identity", undefined],
    ["zstd", undefined],
    [", ;;q=,", undefined],
  ] as const) {
    const packed = await ask(accepting(codings));
    expect([codings, packed.headers["content-encoding"]]).toEqual([codings, coding]);
    expect(unpacked(packed)).toEqual(plain.bytes);
    expect(packed.headers["content-length"]).toBe(String(packed.bytes.length));
    if (coding !== undefined) expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 5);
    expect(packed.headers.vary).toMatch(/accept-encoding/i);
    expect(packed.headers["content-type"]).toBe(plain.headers["content-type"]);
  }
  const small = await askWire(`${url}/livez`, accepting("br, gzip"));
  expect([small.headers["content-encoding"], String(small.bytes)]).toEqual([undefined, '{"status":"alive"}']);
});

test("whoever has an answer compressed is told that it is still the same, and it is not the tag of the bytes as they are", async () => {
  const { url } = await startWith(500);
  const ask = (headers: Record<string, string>) =>
    askWire(`${url}/api/v1/devices/ems_001/history?from=2026-01-01T00:00:00Z&to=2026-01-01T00:08:00Z`, headers);
  const plain = await ask({});
  const packed = await ask(accepting("gzip"));
  expect(packed.headers["content-encoding"]).toBe("gzip");
  expect(packed.headers.etag).toBe(`W/${plain.headers.etag}`);
  expect(packed.headers.vary).toBe("Authorization, Cookie, Accept-Encoding");
  for (const tag of [plain.headers.etag, packed.headers.etag]) {
    const known = await ask({ ...accepting("gzip"), "if-none-match": String(tag) });
    expect([known.status, known.bytes.length, known.headers["content-encoding"]]).toEqual([304, 0, undefined]);
  }
});

test("an export is compressed as CSV and not as Parquet, and its trailer comes", async () => {
  const { url } = await startWith(3_000);
  const ask = (format: string, headers?: Record<string, string>) =>
    askWire(`${url}/api/v1/export?device=ems_001&format=${format}`, headers);
  const plain = await ask("csv");
  for (const coding of ["br", "gzip"]) {
    const packed = await ask("csv", accepting(coding));
    expect(packed.headers["content-encoding"]).toBe(coding);
    expect(unpacked(packed)).toEqual(plain.bytes);
    expect(packed.trailers).toEqual(plain.trailers);
  }
  const parquet = await ask("parquet", accepting("br, gzip"));
  expect([parquet.status, parquet.headers["content-encoding"]]).toEqual([200, undefined]);
});

test("a token is never compressed, nor lines of progress that somebody waits for", async () => {
  const server = await startWith(10);
  const admin = server.apiTokens.add("script", "admin", null, null);
  if (isRefusal(admin)) throw new Error(admin.message);
  const headers = { ...accepting("br, gzip"), authorization: `Bearer ${admin.token}` };
  const properties = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`note_${at}`, "n".repeat(100)]));
  const body = JSON.stringify({ device_id: "ems_002", properties });
  const json = { ...headers, "content-type": "application/json" };
  const added = await askWire(`${server.url}/api/v1/devices`, json, { method: "POST", body });
  expect([added.status, added.headers["content-encoding"]]).toEqual([201, undefined]);
  expect(String(added.bytes)).toContain('"token"');
  const progress = await askWire(`${server.url}/api/v1/store/verify`, headers);
  expect([progress.status, progress.headers["content-encoding"]]).toEqual([200, undefined]);
});

test("who leaves in the midst of a compressed export ends it, and whoever reads none of it holds nothing up", async () => {
  const server = await startWith(20_000);
  const address = `${server.url}/api/v1/export?device=ems_001`;
  const begin = () =>
    new Promise<{ status: number | undefined; leave: () => void }>((resolve, reject) => {
      const request = get(address, { headers: accepting("gzip"), agent: false }, (response) => {
        response.on("error", () => {});
        // Nothing of it is read.
        response.pause();
        resolve({ status: response.statusCode, leave: () => request.destroy() });
      }).on("error", reject);
      onTestFinished(() => void request.destroy());
    });
  // Two at once is what one caller may have.
  for (let times = 0; times < 3; times++) {
    await eventually(async () => {
      const one = await begin();
      expect(one.status).toBe(200);
      one.leave();
    });
  }
  await eventually(async () => expect(await metric(server, "wattboard_answer_bytes")).toBe(0));
  const whole: WireAnswer = await askWire(address, accepting("br"));
  expect(brotliDecompressSync(whole.bytes).toString().trimEnd().split("\n")).toHaveLength(20_001);
});

test("answers beyond what may be compressed at once go out as they are, and nobody is refused", async () => {
  const { url } = await startServer();
  const ask = () => askWire(`${url}/api/v1/openapi.json`, accepting("br"));
  const answers = await Promise.all(Array.from({ length: 120 }, ask));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map((answer) => String(unpacked(answer)))).size).toBe(1);
  // Those that ask afterwards have their turn again.
  expect((await ask()).headers["content-encoding"]).toBe("br");
});
