import { useEffect, useRef } from "react";

/** What keys do on a page, by their name: `j`, `Enter`, `?`. */
export type KeyActions = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Keys that act wherever somebody is on the page, but not while they write, choose, or a dialog asks. */
export function useKeys(actions: KeyActions): void {
  const newest = useRef(actions);
  newest.current = actions;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target, key, ctrlKey, metaKey, altKey } = event;
      if (ctrlKey || metaKey || altKey || document.querySelector("dialog[open]") !== null) return;
      if (target instanceof HTMLElement && target.closest("input, select, textarea, [contenteditable]") !== null)
        return;
      // Enter on a button or a link is that button's or link's.
      if (key === "Enter" && target instanceof HTMLElement && target.closest("a, button, summary") !== null) return;
      const act = Object.hasOwn(newest.current, key) ? newest.current[key] : undefined;
      if (act === undefined) return;
      event.preventDefault();
      act(event);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
