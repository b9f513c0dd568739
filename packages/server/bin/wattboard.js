#!/usr/bin/env node
// Plain JavaScript that old versions of Node read too, so that they can say what is missing.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 7)) {
  process.stderr.write(
    `wattboard needs Node 24.7 or later, but this is ${process.version}.\n` +
      "In this repository, start it with: npx wattboard\n" +
      "(npx takes the Node that comes with the installation.)\n",
  );
  process.exit(1);
}
const { main } = await import("../dist/main.js");
process.exitCode = await main(process.argv.slice(2));
