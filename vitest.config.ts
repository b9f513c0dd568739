import { fileURLToPath } from "node:url";
import { inTime } from "@wattboard/testing/patience";
import { defineConfig } from "vitest/config";
import { ProgressReporter } from "./tests/support/progress-reporter.ts";
import { SlowestFirst } from "./tests/support/slowest-first.ts";

// biome-ignore lint/style/noDefaultExport: Vitest reads the default export.
export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.{ts,tsx}", "tests/**/*.test.ts"],
    globalSetup: "tests/support/run-folder.ts",
    // For what hangs where nothing else waits for it: `eventually` and the like have deadlines of their own.
    testTimeout: inTime(60_000),
    hookTimeout: inTime(60_000),
    // Two cores: more workers than that only make sockets wait for each other.
    maxWorkers: 2,
    // Each file cleans up after itself; so the modules of server and protocol are loaded twice, and not a hundred times.
    isolate: false,
    // For the programs that tests start: the command line is compiled once.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url)) },
    // So that both workers have something to do until the end.
    sequence: { sequencer: SlowestFirst },
    reporters: [new ProgressReporter()],
  },
});
