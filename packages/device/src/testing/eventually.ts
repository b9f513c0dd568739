import { vi } from "vitest";

/** Waits until `check` throws no more, and fails with its last error after `withinMs`. */
export async function eventually<T>(check: () => T | Promise<T>, { withinMs = 5_000 } = {}): Promise<T> {
  return await vi.waitFor(check, { timeout: withinMs, interval: 2 });
}
