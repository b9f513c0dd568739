import { useLayoutEffect } from "react";

/** How far each page was scrolled when it was left, px. */
const left = new Map<string, number>();

/** Brings whoever comes back to a page to where they left it, once `isReady` says that it is as tall again. */
export function useScrollMemory(page: string, isReady: boolean): void {
  useLayoutEffect(() => {
    if (!isReady) return;
    const topPx = left.get(page) ?? 0;
    if (topPx > 0) scrollTo({ top: topPx });
    return () => {
      left.set(page, scrollY);
    };
  }, [page, isReady]);
}
