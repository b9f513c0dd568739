// Sees to it that what is checked out is installed and built, on any Node from 20 on. Plain JavaScript: nothing is installed yet.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, "node_modules", ".package-lock.json");
const isWindows = process.platform === "win32";

/** Installs where something is missing or the lockfile is newer, and builds. Ends the process with a message where that fails. */
export function makeReady() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) fail(`Wattboard needs Node 20 or later to install; this is ${process.version}.`);
  const lockfile = join(root, "package-lock.json");
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs) {
    console.error("Installing what is missing, and building (once; about a minute) …");
    // Not `npm ci`: it refuses a lockfile where a registry lacks an optional package of another platform. Ends with `prepare`, which builds.
    run(
      "npm",
      ["install", "--loglevel=error", "--no-progress"],
      "npm could not install. Is the npm registry reachable?",
    );
    pinNode();
    return;
  }
  console.error("Building …");
  run("npm", ["run", "--silent", "build"], "The build failed; its messages stand above.");
}

/** The `node` package fetches the pinned Node in its install script; where npm was told to run no scripts, it is called here. */
function pinNode() {
  const folder = join(root, "node_modules", "node");
  if (existsSync(join(folder, "bin", isWindows ? "node.exe" : "node"))) return;
  const { status } = spawnSync(process.execPath, ["installArchSpecificPackage.js"], { cwd: folder, stdio: "ignore" });
  if (status !== 0) fail("The pinned Node could not be installed. Is the npm registry reachable?");
}

function run(command, args, complaint) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], shell: isWindows });
  if (status !== 0) fail(complaint);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) makeReady();
