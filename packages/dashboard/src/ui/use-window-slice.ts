import { type RefObject, useEffect, useLayoutEffect, useState } from "react";

export interface WindowSlice {
  readonly from: number;
  readonly to: number;
}

/** Which of `count` rows a page scrolled to `scrollY` needs, with some to spare on both sides; rows start at `topY` in the page. */
export function sliceFor(
  count: number,
  rowPx: number,
  view: { readonly topY: number; readonly scrollY: number; readonly heightPx: number },
): WindowSlice {
  // Whole steps of `spareRows` keep the slice the same for most scroll events, so that nothing renders.
  const first = Math.floor((view.scrollY - view.topY) / rowPx / spareRows) * spareRows - spareRows;
  const shown = Math.ceil(view.heightPx / rowPx / spareRows) * spareRows + 3 * spareRows;
  const from = Math.max(0, Math.min(first, count - shown));
  return { from, to: Math.min(count, Math.max(first, 0) + shown) };
}

const spareRows = 8;

/** Keeps a long list of equally tall rows short in the document: only the rows near the window's view are rendered. */
export function useWindowSlice(listRef: RefObject<HTMLElement | null>, count: number, rowPx: number): WindowSlice {
  const [slice, setSlice] = useState<WindowSlice>({ from: 0, to: Math.min(count, 40) });

  const measure = () => {
    const list = listRef.current;
    if (list === null) return;
    const topY = list.getBoundingClientRect().top + scrollY;
    const next = sliceFor(count, rowPx, { topY, scrollY, heightPx: innerHeight });
    setSlice((before) => (before.from === next.from && before.to === next.to ? before : next));
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: measuring needs only what changes the list's geometry.
  useLayoutEffect(measure, [count, rowPx]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above; the listeners see the newest values through these.
  useEffect(() => {
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure, { passive: true });
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [count, rowPx]);
  return slice;
}
