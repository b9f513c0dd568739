import { existsSync, globSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Where a package's build stands. A newer source than the build is only a doubt: the file may have been touched and not changed. */
export function buildState(): "missing" | "old" | "built" {
  const names = ["protocol", "server"];
  if (names.some((name) => !existsSync(`${root}packages/${name}/dist/index.js`))) return "missing";
  return names.some(hasNewerSource) ? "old" : "built";
}

function hasNewerSource(name: string): boolean {
  const builtAtMs = statSync(`${root}packages/${name}/dist/.tsbuildinfo`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = globSync(`${root}packages/${name}/src/**/*.ts`, { exclude: (path) => path.endsWith(".test.ts") });
  return sources.some((path) => statSync(path).mtimeMs > builtAtMs);
}
