import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `check` is true; throws with `complaint` after `withinMs`. */
export async function until(
  check: () => boolean | Promise<boolean>,
  complaint: () => string,
  withinMs = 30_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > deadlineMs) throw new Error(complaint());
    await sleep(10);
  }
}
