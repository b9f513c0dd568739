import type { Energy } from "./energy.ts";

/** The share of what was consumed that did not come from the grid, 0 to 1; null where nothing was consumed, or one of the two is not known. */
export function autarky({ consumed, imported }: Energy): number | null {
  if (consumed === null || imported === null || consumed <= 0) return null;
  return Math.min(1, Math.max(0, 1 - imported / consumed));
}

/** The share of what was produced that was used on the spot, 0 to 1; null where nothing was produced. */
export function selfConsumption({ produced, selfConsumed }: Energy): number | null {
  return produced !== null && selfConsumed !== null && produced > 0 ? Math.min(1, selfConsumed / produced) : null;
}
