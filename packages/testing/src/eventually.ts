import { vi } from "vitest";

/** How many times longer than on an idle machine things may take: `vitest.config.ts` measures it. */
export const patience = Number(process.env.TEST_PATIENCE ?? 1);

/** A deadline of an idle machine, as this machine needs it, ms. */
export function inTime(idleMs: number): number {
  return idleMs * patience;
}

/** Waits until `check` throws no more, and fails with its last error after `withinMs` (longer on a busy machine). */
export async function eventually<T>(check: () => T | Promise<T>, { withinMs = 5_000 } = {}): Promise<T> {
  return await vi.waitFor(check, { timeout: inTime(withinMs), interval: 2 });
}
