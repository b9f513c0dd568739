import { setTimeout as pause } from "node:timers/promises";
import { inTime } from "./patience.ts";

/** Waits until `check` throws no more, and fails with its last error after `withinMs` (longer on a machine that is or becomes busy). */
export async function eventually<T>(check: () => T | Promise<T>, { withinMs = 5_000 } = {}): Promise<T> {
  const startMs = performance.now();
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() - startMs >= inTime(withinMs)) throw error;
    }
    await pause(2);
  }
}
