// Holds the floors of the server: which folder may import which (ARCHITECTURE.md). Whatever is not listed is forbidden, types included.
// `npm run fence` tries every pair of folders, prints those that may look up (the holes), and checks every import of the sources.
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
  api: ["http", "history", "transfer", "rollouts", "commands", "telemetry", "devices", "access", "store", ...services],
  "dialects/smart-os": ["doors", "commands", "telemetry", "devices", "access", "link", ...services],
  doors: ["http", "commands", "telemetry", "devices", "access", "link", ...services],
  http: ["access", "config", "link", ...services],
  transfer: ["history", "telemetry", "devices", "store", ...ground],
  history: ["devices", "store", ...ground],
  rollouts: ["commands", "devices", "access", ...services],
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

function check(): string[] {
  const faults: string[] = [];
  for (const path of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".ts") || path.endsWith(".test.ts")) continue;
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
  const faults = check();
  for (const found of [...open.map((hole) => `A hole: ${hole}`), ...faults]) console.error(found);
  const pairs = Object.keys(floors).length ** 2 - Object.keys(floors).length;
  console.log(`${pairs} pairs of folders tried: ${open.length} holes; ${faults.length} imports that are not allowed.`);
  if (open.length + faults.length > 0) process.exitCode = 1;
}
