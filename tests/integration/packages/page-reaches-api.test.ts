import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { paths } from "@wattboard/protocol";
import { expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/start-server.ts";

/**
 * Nobody should need the command line for daily work: what the API offers to people with rights can be reached in the page, or stands here with the
 * reason why not. Reached is what a source of the page asks for: a method, and behind it one of its `apiPaths`.
 */
const notInThePage: Readonly<Record<string, string>> = {
  "PUT /people/{name}/password":
    "people choose their passwords themselves, by a link; this is for a server without one",
  "POST /setup-link": "makes the first administrator, and who has none cannot sign in: the terminal prints it",
  "POST /tickets": "for dashboards elsewhere, which cannot send a header with a WebSocket",
  "GET /share-links": "each device's page lists its own",
  "POST /import": "for programs that move samples between servers",
  "POST /import/csv": "asks back about the columns and times of a file, on a terminal",
  "POST /claim-codes": "for programs that print labels of their own; the page makes the sheet of labels",
  "POST /me/notifications/{message}/seen": "the browser's service worker says so, which is no source of the page",
  "GET /notifications": "for support, by the command line; the page shows people their own",
  "GET /people/{name}/notifications": "for support, by the command line; the page shows people their own",
  "GET /people/{name}/channels": "for support, by the command line; the page shows administrators those that fail",
  "POST /people/{name}/channels/{channel}/test": "for support, by the command line; in the page people test their own",
  "POST /bulk/rotations": "many at once, from a file or by a condition, are the command line's",
  "GET /backups/{id}/{name}": "the page fetches all files of a backup as one",
};

interface Operation {
  readonly security?: readonly object[];
}

const sources = fileURLToPath(new URL("../../../packages/dashboard/src", import.meta.url));

/** What the document says that there is: `POST /devices/{id}/rotate`. */
async function operationsOf({ url }: TestServer): Promise<ReadonlyMap<string, Operation>> {
  const document = (await (await fetch(`${url}${paths.api}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  return new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [
        `${method.toUpperCase()} ${path.replace(paths.api, "")}`,
        operation,
      ]),
    ),
  );
}

/** What somebody needs rights for, and is not only looked at by whoever may see the device. */
function isAdministrative([name, { security = [] }]: readonly [string, Operation]): boolean {
  const needsRights = !security.some((way) => Object.keys(way).length === 0);
  return needsRights || (!name.startsWith("GET ") && security.length > 1);
}

/** The page's own table of addresses. */
async function pageTables() {
  Object.assign(globalThis, {
    document: { documentElement: { dataset: {} } },
    location: { origin: "http://127.0.0.1" },
  });
  const { apiPaths, pagePaths } = await import("../../../packages/dashboard/src/paths.ts");
  return { apiPaths, pagePaths };
}

/** `/devices/x/rotate` for a function of ids, without what follows a question mark. */
function pathOf(made: string | ((...given: never[]) => string)): string {
  const give = made as (...given: unknown[]) => string;
  const path = typeof made === "string" ? made : give(...Array.from({ length: give.length || 1 }, () => "x"));
  return path.replace(paths.api, "").replace(/\?.*$/s, "");
}

function* sourceTexts(): Generator<string> {
  for (const name of readdirSync(sources, { recursive: true, encoding: "utf8" })) {
    if (/\.tsx?$/.test(name) && !/\.test\./.test(name)) yield readFileSync(join(sources, name), "utf8");
  }
}

/** All that the page asks for: `POST /devices/x/rotate`. */
async function reached(): Promise<Set<string>> {
  const { apiPaths } = await pageTables();
  const table = new Map(Object.entries(apiPaths).map(([name, made]) => [name, pathOf(made as never)]));
  const found = new Set<string>();
  for (const text of sourceTexts()) {
    for (const [, method, name = ""] of text.matchAll(/"(GET|POST|PUT|PATCH|DELETE)",\s*apiPaths\.(\w+)/g)) {
      found.add(`${method} ${table.get(name)}`);
    }
    // What is only named is read, or is the address of a file.
    for (const [, name = ""] of text.matchAll(/apiPaths\.(\w+)/g)) found.add(`GET ${table.get(name)}`);
    // An address that is asked for more than once has a name of its own.
    const named = new Map(
      [...text.matchAll(/const (\w+) = apiPaths\.(\w+)/g)].map(([, own = "", name = ""]) => [own, name]),
    );
    for (const [, method, own = ""] of text.matchAll(/"(POST|PUT|PATCH|DELETE)",\s*(\w+)[,)]/g)) {
      const name = named.get(own);
      if (name !== undefined) found.add(`${method} ${table.get(name)}`);
    }
  }
  return found;
}

/** Whether a path that the page asks for is the operation's. */
function fits(operation: string, asked: string): boolean {
  const [one, other] = [operation.split("/"), asked.split("/")];
  return (
    one.length === other.length &&
    one.every((part, at) => part === other[at] || (part.startsWith("{") && other[at] === "x"))
  );
}

test("every administrative route is reached in the page, or named with its reason", async () => {
  const operations = await operationsOf(await startServer());
  const asked = [...(await reached())];
  const administrative = [...operations].filter(isAdministrative).map(([name]) => name);
  expect(administrative.length).toBeGreaterThan(30);
  const missing = administrative.filter((name) => !asked.some((each) => fits(name, each)) && !(name in notInThePage));
  expect(missing).toEqual([]);
});

test("what is named with a reason is there, and the page does not reach it", async () => {
  const operations = await operationsOf(await startServer());
  const asked = [...(await reached())];
  expect(Object.keys(notInThePage).filter((name) => !operations.has(name))).toEqual([]);
  expect(Object.keys(notInThePage).filter((name) => asked.some((each) => fits(name, each)))).toEqual([]);
});

test("all that the page asks for is there", async () => {
  const operations = await operationsOf(await startServer());
  const unknown = [...(await reached())].filter((each) => {
    const [method, path = ""] = each.split(" ");
    // A table that is asked for in several ways is named without its method too.
    const isRoute = [...operations.keys()].some((name) => fits(name.split(" ")[1] ?? "", path));
    return method === "GET" ? !isRoute : ![...operations.keys()].some((name) => fits(name, each));
  });
  expect(unknown).toEqual([]);
});

test("the server answers at each address of the page with the page, and the page has a route for it", async () => {
  const server = await startServer();
  const { pagePaths } = await pageTables();
  const routes = readFileSync(join(sources, "routes.tsx"), "utf8");
  const routed = [...routes.matchAll(/<Route path="([^"]+)"/g)].map(([, path = ""]) => path.replaceAll(/:\w+/g, "x"));
  for (const made of Object.values(pagePaths)) {
    const path = pathOf(made as never);
    const { status } = await fetch(server.url + path, { headers: { accept: "text/html" } });
    expect([path, status, routed.includes(path)]).toEqual([path, 200, true]);
  }
});
