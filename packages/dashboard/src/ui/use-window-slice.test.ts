import { expect, it } from "vitest";
import { sliceFor } from "./use-window-slice.ts";

const view = { topY: 400, scrollY: 0, heightPx: 900 };

it("covers everything that is in view, at any scroll position, and never more than needed", () => {
  for (let scrollY = 0; scrollY < 120_000; scrollY += 137) {
    const { from, to } = sliceFor(2_000, 56, { ...view, scrollY });
    const firstSeen = Math.max(0, Math.floor((scrollY - 400) / 56));
    const lastSeen = Math.min(2_000, Math.ceil((scrollY - 400 + 900) / 56));
    if (firstSeen < 2_000) expect(from).toBeLessThanOrEqual(firstSeen);
    expect(to).toBeGreaterThanOrEqual(lastSeen);
    expect(to - from).toBeLessThanOrEqual(64);
  }
});

it("is the whole of a short list, and empty for an empty one", () => {
  expect(sliceFor(5, 56, view)).toEqual({ from: 0, to: 5 });
  expect(sliceFor(0, 56, view)).toEqual({ from: 0, to: 0 });
});
