import { useState } from "react";
import { useMedia } from "../../ui/use-media.ts";

const storageKey = "wattboard.highlight";

interface Highlight {
  readonly isOn: boolean;
  /** Whether the system asks for less motion, which counts more than the switch. */
  readonly isStilled: boolean;
  readonly toggle: () => void;
}

/** Whether values light up when they change. The choice stays in this browser. */
export function useHighlight(): Highlight {
  const isStilled = useMedia("(prefers-reduced-motion: reduce)");
  const [chosen, setChosen] = useState(storedChoice);
  const toggle = () => {
    setChosen(!chosen);
    try {
      localStorage.setItem(storageKey, chosen ? "off" : "on");
    } catch {
      // Without storage the choice lasts until the page is loaded again.
    }
  };
  return { isOn: chosen && !isStilled, isStilled, toggle };
}

function storedChoice(): boolean {
  try {
    return localStorage.getItem(storageKey) !== "off";
  } catch {
    return true;
  }
}
