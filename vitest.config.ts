import { availableParallelism, loadavg } from "node:os";
import { defineConfig } from "vitest/config";

/**
 * How many times longer than on an idle machine a test may take: what the load at the start tells, or `TEST_PATIENCE`. Deadlines only end
 * what hangs, so a generous one costs a passing test nothing.
 */
const patience = Number(
  process.env.TEST_PATIENCE ?? Math.min(10, Math.max(2, (loadavg()[0] ?? 0) / availableParallelism())),
);

// biome-ignore lint/style/noDefaultExport: Vitest reads the default export.
export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.{ts,tsx}", "tests/**/*.test.ts"],
    testTimeout: 20_000 * patience,
    hookTimeout: 20_000 * patience,
    env: { TEST_PATIENCE: String(patience) },
    // Two cores: more workers than that only make sockets wait for each other.
    maxWorkers: 2,
  },
});
