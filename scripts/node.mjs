// Which Node runs Wattboard, whatever is on the PATH: the one that the installation brings. Plain JavaScript for Node 20: nothing is installed yet.
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const isWindows = process.platform === "win32";
const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), "utf8"));

/** Where npm puts it first on the PATH of every `npm run` and `npx`. */
const onPath = join(root, "node_modules", ".bin", isWindows ? "node.exe" : "node");

/**
 * The Node of the platform's package (`optionalDependencies` in package.json; npm installs the one that fits, and runs no script for it). On a
 * platform that has none, the Node that runs this script, if it is new enough. `undefined` where there is neither.
 */
export function findNode() {
  for (const name of Object.keys(readJson("package.json").optionalDependencies)) {
    const folder = ["node_modules", name];
    if (!existsSync(join(root, ...folder, "package.json"))) continue;
    const bundled = join(root, ...folder, readJson(...folder, "package.json").bin.node);
    if (spawnSync(bundled, ["--version"]).status === 0) {
      // npm 10 takes its own link away again, together with the links of the other platforms' packages.
      if (!existsSync(onPath)) (isWindows ? linkSync : symlinkSync)(bundled, onPath);
      return bundled;
    }
    // It was built for glibc, and this system has another C library: out of the PATH with it.
    rmSync(onPath, { force: true });
  }
  return isNewEnough(process.versions.node) ? process.execPath : undefined;
}

export const nodeNeeded = readJson("packages", "server", "package.json").engines.node.replace(">=", "");

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  const [majorNeeded, minorNeeded] = nodeNeeded.split(".").map(Number);
  return major > majorNeeded || (major === majorNeeded && minor >= minorNeeded);
}

// `npm ci` and `npm install` by hand end here too, before they build.
if (process.argv[1] === fileURLToPath(import.meta.url)) findNode();
