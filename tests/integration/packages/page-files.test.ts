import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startServer } from "../../support/start-server.ts";
import { askWire, unpacked } from "../../support/wire-answer.ts";

const accepting = { "accept-encoding": "br, gzip" };

/** Addresses of the page's files: those that its document names, and those that the browser loads along with them. */
function filesOf(html: string): string[] {
  return [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, path = ""]) => path);
}

test.each(["", "/energy"])(
  "texts of the page are sent as small as the browser takes them, and hold the same (at '%s')",
  async (base) => {
    const { url } = await startServer({ settings: { base_path: base } });
    const origin = new URL(url).origin;
    const scripts = filesOf(String((await askWire(`${origin}${base}/`)).bytes));
    expect(scripts.length).toBeGreaterThan(1);
    for (const path of scripts) {
      const plain = await askWire(origin + path);
      const brotli = await askWire(origin + path, { "accept-encoding": "gzip, deflate, br" });
      const gzip = await askWire(origin + path, { "accept-encoding": "gzip" });
      const codings = [plain, brotli, gzip].map(({ headers }) => headers["content-encoding"]);
      expect([path, ...codings]).toEqual([path, undefined, "br", "gzip"]);
      for (const packed of [brotli, gzip]) {
        expect(unpacked(packed)).toEqual(plain.bytes);
        expect(packed.headers["content-type"]).toBe(plain.headers["content-type"]);
        expect(packed.headers["cache-control"]).toBe(plain.headers["cache-control"]);
      }
      for (const { headers } of [plain, brotli, gzip]) expect(headers.vary).toMatch(/accept-encoding/i);
      const tags = [plain, brotli, gzip].flatMap(({ headers }) => headers.etag ?? []);
      expect(new Set(tags).size).toBe(tags.length);
    }
  },
);

test("the fleet opens with 120 KB at most; who goes to every page, chart and dialog has loaded 260 KB", async () => {
  const { url } = await startServer();
  const { bytes } = await askWire(url, accepting);
  const first = filesOf(String(unpacked(await askWire(url, accepting))));
  const waiting = [...first];
  const sizes = new Map<string, number>([["/", bytes.length]]);
  /** What a script needs before it runs. */
  const needs = new Map<string, string[]>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (sizes.has(path)) continue;
    const answer = await askWire(url + path, accepting);
    expect([path, answer.status]).toEqual([path, 200]);
    sizes.set(path, answer.bytes.length);
    const text = String(unpacked(answer));
    // Whatever is loaded later is named by what is loaded now.
    for (const [, name = ""] of text.matchAll(/["'`](?:\.\/)?((?:assets\/)?[\w-]+-[\w-]{8}\.(?:js|css))["'`]/g)) {
      waiting.push(`/assets/${name.replace("assets/", "")}`);
    }
    const imported = [...text.matchAll(/(?:from|import)["'`]\.\/([\w-]+\.js)["'`]/g)];
    needs.set(
      path,
      imported.map(([, name]) => `/assets/${name}`),
    );
  }
  // The fleet's page is the first of those that are loaded later that most people see.
  const fleet = [...sizes.keys()].filter((path) => /fleet-page.*\.(js|css)/.test(path));
  expect(fleet).toHaveLength(2);
  const opened = new Set(["/", ...first, ...fleet]);
  for (const path of opened) for (const needed of needs.get(path) ?? []) opened.add(needed);
  const sum = (paths: Iterable<string>) =>
    [...paths].reduce((bytesInAll, path) => bytesInAll + (sizes.get(path) ?? 0), 0);
  expect(opened.size).toBeGreaterThan(6);
  expect(sum(opened)).toBeLessThan(120_000);
  expect(sum(sizes.keys())).toBeLessThan(260_000);
});

test("a part of a file is a part of its bytes, and whoever has it already is told so", async () => {
  const { url } = await startServer();
  const [path = ""] = filesOf(String((await askWire(url)).bytes)).filter((each) => each.startsWith("/assets/"));
  for (const asked of [{}, accepting]) {
    const whole = await askWire(url + path, asked);
    const part = await askWire(url + path, { ...asked, range: "bytes=10-19" });
    expect([part.status, part.headers["content-range"]]).toEqual([206, `bytes 10-19/${whole.bytes.length}`]);
    expect(part.headers["content-encoding"]).toBe(whole.headers["content-encoding"]);
    expect(part.bytes).toEqual(whole.bytes.subarray(10, 20));
    const known = await askWire(url + path, { ...asked, "if-none-match": String(whole.headers.etag) });
    expect([known.status, known.bytes.length]).toEqual([304, 0]);
  }
});

test("every page that the browser routes to is an address of the server, so that it can be loaded again", async () => {
  const { url } = await startServer();
  const routes = readFileSync(new URL("../../../packages/dashboard/src/routes.tsx", import.meta.url), "utf8");
  const pages = [...routes.matchAll(/<Route path="([^"]+)"/g)].map(([, path = ""]) => path);
  expect(pages.length).toBeGreaterThan(5);
  for (const path of pages) {
    const { status } = await fetch(url + path.replace(":id", "one"), { headers: { accept: "text/html" } });
    expect([path, status]).toEqual([path, 200]);
  }
});

test("every kind of event has its words on the page", () => {
  const read = (path: string) => readFileSync(new URL(`../../../packages/${path}`, import.meta.url), "utf8");
  const declared = /type EventKind =([^;]*);/.exec(read("server/src/observe/events.ts"))?.[1] ?? "";
  const kinds = [...declared.matchAll(/"(\w+)"/g)].map(([, kind = ""]) => kind);
  const words = read("dashboard/src/domain/event-words.ts");
  expect(kinds.length).toBeGreaterThan(20);
  expect(kinds.filter((kind) => !words.includes(`  ${kind}: kind(`))).toEqual([]);
});

test("an address that is nowhere is a page for a person, and a problem document for a program", async () => {
  const { url } = await startServer();
  const person = await askWire(`${url}/no/such/page`, { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
  expect(person.status).toBe(404);
  expect(person.headers["content-type"]).toMatch("text/html");
  expect(String(person.bytes)).toContain('<div id="root">');
  for (const [path, accept] of [
    ["/no/such/page", "*/*"],
    ["/api/v1/nothing", "text/html"],
    ["/assets/nothing.js", "*/*"],
  ]) {
    const program = await askWire(url + path, { accept: accept ?? "" });
    expect([path, program.status]).toEqual([path, 404]);
    expect(program.headers["content-type"]).toMatch("application/problem+json");
  }
});
