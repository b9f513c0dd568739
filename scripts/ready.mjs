// Sees to it that what is checked out is installed and built, on any Node from 20 on. Plain JavaScript: nothing is installed yet.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findNode, isWindows, nodeNeeded, root } from "./node.mjs";

/** Installs where something is missing or the lockfile is newer, and builds. Ends the process with a message where that fails. */
export async function makeReady() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) fail(`Wattboard needs Node 20 or later to install; this is ${process.version}.`);
  const unlock = lock();
  if (!isInstalled()) {
    console.error("Installing what is missing (once; about a minute) …");
    // No package needs its install script, so that it is the same whether npm may run scripts or not; the build follows below.
    await npm(
      ["ci", "--ignore-scripts", "--loglevel=error", "--no-progress"],
      "npm could not install; its message stands above.",
    );
  }
  if (findNode() === undefined) {
    fail(
      `Wattboard needs Node ${nodeNeeded} or later, and npm has none that runs on this system (${process.platform}, ${process.arch}); this is ${process.version}. ` +
        "Install a newer one (https://nodejs.org), and try again.",
    );
  }
  console.error("Building …");
  await npm(["run", "--silent", "build"], "The build failed; its messages stand above.");
  unlock();
}

function isInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
}

/** One installation or build at a time in a folder: two would take each other's files away. Returns what gives the lock back. */
function lock() {
  const path = join(tmpdir(), `wattboard-ready-${createHash("sha256").update(root).digest("hex").slice(0, 16)}.pid`);
  const unlock = () => {
    process.off("exit", unlock);
    rmSync(path, { force: true });
  };
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      process.on("exit", unlock);
      return unlock;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const owner = Number(readFileSync(path, "utf8"));
    if (isAlive(owner)) {
      fail(`Another installation or build is running in this folder (process ${owner}). Try again when it has ended.`);
    }
    unlock();
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Runs npm to its end, also after a Ctrl-C: npm gets it from the terminal too, and what it then takes back must not meet the next try. */
function npm(args, complaint) {
  const child = spawn("npm", args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], shell: isWindows });
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
  };
  const terminate = () => {
    isInterrupted = true;
    child.kill("SIGTERM");
  };
  process.on("SIGINT", interrupt).on("SIGTERM", terminate);
  return new Promise((resolve) => {
    child.on("error", (error) => fail(`npm could not be started: ${error.message}`));
    child.on("close", (code) => {
      process.off("SIGINT", interrupt).off("SIGTERM", terminate);
      if (isInterrupted) fail("Interrupted.");
      if (code !== 0) fail(complaint);
      resolve();
    });
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makeReady();
