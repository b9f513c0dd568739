#!/usr/bin/env node
// Plain JavaScript that old versions of Node read too, so that they can say what is missing.
import { existsSync, readFileSync } from "node:fs";

const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const needed = engines.node.replace(">=", "");
const [neededMajor, neededMinor] = needed.split(".").map(Number);
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  process.stderr.write(
    `wattboard needs Node ${needed} or later, but this is ${process.version}. Install a newer one: https://nodejs.org\n` +
      // npx has just looked for a Node in the installation, and found none.
      (process.env.npm_command === "exec"
        ? ""
        : "In a clone of its repository, npx wattboard takes the one installed there.\n"),
  );
  process.exit(1);
}
const main = new URL("../dist/main.js", import.meta.url);
if (!existsSync(main)) {
  process.stderr.write("wattboard is not built yet. In the clone of its repository: npm run build\n");
  process.exit(1);
}
process.exitCode = await (await import(main.href)).main(process.argv.slice(2));
