// `npm run demo`: installs, builds, and starts a server with a simulated fleet. Flags go to `wattboard demo`.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { findNode, root } from "./node.mjs";
import { makeReady } from "./ready.mjs";

await makeReady();
const wattboard = join(root, "packages", "server", "bin", "wattboard.js");
const demo = spawn(findNode(), [wattboard, "demo", ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// A Ctrl-C in the terminal reaches the demo by itself; this process waits for it. What only this process gets is passed on.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => demo.kill(signal));
demo.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 0);
});
