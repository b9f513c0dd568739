import { vi } from "vitest";

/** Deadlines follow the machine: `vitest.config.ts` says how. */
export const patience = Number(process.env.TEST_PATIENCE ?? 1);

/** Waits until `check` throws no more, and fails with its last error after `withinMs` (longer on a busy machine). */
export async function eventually<T>(check: () => T | Promise<T>, { withinMs = 5_000 } = {}): Promise<T> {
  return await vi.waitFor(check, { timeout: withinMs * patience, interval: 2 });
}
