// Holds the floors of the server: which folder may import which (ARCHITECTURE.md). Whatever is not listed is forbidden, types included.
// `npm run fence` tries every pair of folders, prints those that may look up (the holes), and checks every import of the sources.
// It also holds time, timers and chance to their ports (`base/clock.ts`, `base/random-id.ts`): a run that can be repeated needs them injected.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const source = resolve(import.meta.dirname, "../packages/server/src");

const ground = ["base"];
const services = ["observe", ...ground];
/** Top floor first: a folder, and those below that it may import. Its own files it may import always. */
export const floors: Readonly<Record<string, readonly string[]>> = {
  "main.ts": ["cli", ...ground],
  "index.ts": ["app", "access", "devices", "config", "store", "store/embedded", ...services],
  cli: ["app", "api", "config", "transfer", "store", "history", "commands", "devices", "access", ...services],
  app: [
    "api",
    "dialects/smart-os",
    "doors",
    "http",
    "history",
    "transfer",
    "rollouts",
    "notify",
    "alarms",
    "commands",
    "telemetry",
    "devices",
    "access",
    "config",
    "store",
    "store/embedded",
    "store/postgres",
    "link",
    ...services,
  ],
  api: [
    "http",
    "history",
    "transfer",
    "rollouts",
    "alarms",
    "notify",
    "commands",
    "telemetry",
    "devices",
    "access",
    "store",
    ...services,
  ],
  "dialects/smart-os": ["doors", "commands", "telemetry", "devices", "access", "link", ...services],
  doors: ["http", "commands", "telemetry", "devices", "access", "link", ...services],
  http: ["access", "config", "link", ...services],
  transfer: ["history", "telemetry", "devices", "store", ...ground],
  history: ["devices", "store", ...ground],
  alarms: ["telemetry", "devices", "access", "store", ...services],
  rollouts: ["commands", "devices", "access", ...services],
  notify: ["access", ...services],
  commands: ["devices", "access", "link", ...services],
  telemetry: ["devices", "store", "link", ...services],
  devices: ["access", "store", "link", ...services],
  access: services,
  config: ground,
  "store/embedded": ["store", ...ground],
  "store/postgres": ["store", ...ground],
  store: ground,
  link: ground,
  observe: ground,
  base: [],
};

/** The folder of the table that holds the file: the longest that fits. */
function floorOf(path: string): string {
  const fitting = Object.keys(floors).filter((floor) => path === floor || path.startsWith(`${floor}/`));
  const floor = fitting.sort((a, b) => b.length - a.length)[0];
  if (floor === undefined) throw new Error(`${path} stands in no folder that scripts/fence.ts knows.`);
  return floor;
}

/** Why one file may not import the other, or null. Paths are relative to the server's sources. */
export function fault(importer: string, imported: string): string | null {
  const from = floorOf(importer);
  const to = floorOf(imported);
  if (from === to || floors[from]?.includes(to)) return null;
  return `${importer} imports ${imported}: ${from} may not import ${to}`;
}

/** What has time, timers or chance from the machine itself. */
const fromMachine =
  /\bnew Date\(\)|\b(?:Date\.now|performance\.now|process\.hrtime|setTimeout|setInterval|setImmediate|timers\/promises|Math\.random|random(?:Bytes|UUID|Int|FillSync))\b/g;

/** Files and folders that may, each with its reason. One that does so no longer is a fault, so that the list stays true. */
const atTheEdge: Readonly<Record<string, string>> = {
  "base/clock.ts": "the port of time and timers",
  "base/random-id.ts": "the port of ids",
  "cli/": "a program's edge: it waits for people, servers and the terminal",
  "access/tokens.ts": "secrets and salts never come from what can be repeated",
  "access/passwords.ts": "secrets and salts never come from what can be repeated",
};

const edgeOf = (path: string): string | undefined => Object.keys(atTheEdge).find((edge) => path.startsWith(edge));

/** Where the text of a source, without its comments, has time, timers or chance from the machine. */
function machineUses(text: string): string[] {
  const code = text
    .split("\n")
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
    .join("\n");
  return [...code.matchAll(fromMachine)].map(([found]) => found);
}

function checkPorts(paths: readonly string[]): string[] {
  const unused = new Set(Object.keys(atTheEdge));
  const faults: string[] = [];
  for (const path of paths) {
    const uses = machineUses(readFileSync(join(source, path), "utf8"));
    const edge = edgeOf(path);
    if (uses.length > 0 && edge !== undefined) unused.delete(edge);
    else for (const use of uses) faults.push(`${path} uses ${use}: take it from a Clock, or from a NewId`);
  }
  for (const edge of unused) faults.push(`${edge} needs no exception for time and chance any more`);
  return faults;
}

function sources(): string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".ts") && !path.endsWith(".test.ts"),
  );
}

function check(paths: readonly string[]): string[] {
  const faults: string[] = [];
  for (const path of paths) {
    const text = readFileSync(join(source, path), "utf8");
    for (const [, specifier = ""] of text.matchAll(/\b(?:from |import |import\()"(\.[^"]+)"/g)) {
      const found = fault(path, relative(source, resolve(source, dirname(path), specifier)));
      if (found !== null) faults.push(found);
    }
  }
  return faults;
}

/** Pairs of folders that the table allows although the first stands below the second: such an import would look up. */
export function holes(): string[] {
  const order = Object.keys(floors);
  return order.flatMap((from, at) =>
    order
      .slice(0, at)
      .flatMap((above) => (fault(`${from}/x.ts`, `${above}/y.ts`) === null ? [`${from} → ${above}`] : [])),
  );
}

if (import.meta.main) {
  const open = holes();
  const paths = sources();
  const faults = [...check(paths), ...checkPorts(paths)];
  for (const found of [...open.map((hole) => `A hole: ${hole}`), ...faults]) console.error(found);
  const pairs = Object.keys(floors).length ** 2 - Object.keys(floors).length;
  console.log(
    `${pairs} pairs of folders tried: ${open.length} holes; ${faults.length} imports or uses that are not allowed.`,
  );
  if (open.length + faults.length > 0) process.exitCode = 1;
}
