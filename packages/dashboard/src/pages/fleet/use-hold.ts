import { type FocusEvent, type PointerEvent, useEffect, useRef } from "react";

/** A pointer that rests for this long is forgotten there, and holds nothing up. */
const restsAfterMs = 4_000;

interface HoldHandlers {
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerLeave: () => void;
  readonly onFocus: (event: FocusEvent) => void;
  readonly onBlur: () => void;
}

/** For a part of the page: tells `onHold` when somebody points into it with a mouse or walks through it with the keyboard, and when no more. */
export function useHold(onHold: (holding: boolean) => void): HoldHandlers {
  const state = useRef({ isPointing: false, isFocused: false });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const become = (change: Partial<typeof state.current>) => {
    state.current = { ...state.current, ...change };
    onHold(state.current.isPointing || state.current.isFocused);
  };
  const release = () => {
    clearTimeout(timer.current);
    become({ isPointing: false });
  };
  return {
    onPointerMove({ pointerType }) {
      if (pointerType !== "mouse") return;
      clearTimeout(timer.current);
      timer.current = setTimeout(release, restsAfterMs);
      become({ isPointing: true });
    },
    onPointerLeave: release,
    // A click leaves the focus behind, too; only who uses the keyboard is shown where it is.
    onFocus: ({ target }) => become({ isFocused: target.matches(":focus-visible") }),
    onBlur: () => become({ isFocused: false }),
  };
}
