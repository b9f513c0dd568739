import { inTime } from "@wattboard/testing/patience";
import { defineConfig } from "vitest/config";
import { ProgressReporter } from "./tests/support/progress-reporter.ts";

// biome-ignore lint/style/noDefaultExport: Vitest reads the default export.
export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.{ts,tsx}", "tests/**/*.test.ts"],
    // For what hangs where nothing else waits for it: `eventually` and the like have deadlines of their own.
    testTimeout: inTime(60_000),
    hookTimeout: inTime(60_000),
    // Two cores: more workers than that only make sockets wait for each other.
    maxWorkers: 2,
    reporters: [new ProgressReporter()],
  },
});
