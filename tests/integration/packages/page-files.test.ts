import { get } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { startServer } from "../../support/start-server.ts";

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

/** As it is on the wire: `fetch` would unpack it. */
function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, async (response) => {
      const bytes = Buffer.concat(await response.toArray());
      resolve({ status: response.statusCode, headers: response.headers, bytes });
    }).on("error", reject);
  });
}

test("texts of the page are sent as small as the browser takes them, and hold the same", async () => {
  const { url } = await startServer();
  const html = String((await ask(url)).bytes);
  const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map(([, path = ""]) => path);
  expect(scripts.length).toBeGreaterThan(1);
  for (const path of ["/", ...scripts]) {
    const plain = await ask(url + path);
    const brotli = await ask(url + path, { "accept-encoding": "gzip, deflate, br" });
    const gzip = await ask(url + path, { "accept-encoding": "gzip" });
    expect([path, brotli.headers["content-encoding"], gzip.headers["content-encoding"]]).toEqual([path, "br", "gzip"]);
    expect(brotliDecompressSync(brotli.bytes)).toEqual(plain.bytes);
    expect(gunzipSync(gzip.bytes)).toEqual(plain.bytes);
    expect(brotli.headers["content-type"]).toBe(plain.headers["content-type"]);
    expect(brotli.headers["cache-control"]).toBe(plain.headers["cache-control"]);
    expect(brotli.headers.vary).toMatch(/accept-encoding/i);
  }
});

test("an address that is nowhere is a page for a person, and a problem document for a program", async () => {
  const { url } = await startServer();
  const person = await ask(`${url}/no/such/page`, { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
  expect(person.status).toBe(404);
  expect(person.headers["content-type"]).toMatch("text/html");
  expect(String(person.bytes)).toContain('<div id="root">');
  for (const [path, accept] of [
    ["/no/such/page", "*/*"],
    ["/api/v1/nothing", "text/html"],
    ["/assets/nothing.js", "*/*"],
  ]) {
    const program = await ask(url + path, { accept: accept ?? "" });
    expect([path, program.status]).toEqual([path, 404]);
    expect(program.headers["content-type"]).toMatch("application/problem+json");
  }
});
