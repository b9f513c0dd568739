import { useCallback, useEffect, useState } from "react";

export type Theme = "light" | "dark";
// public/theme.js reads the same key before the first paint.
const storageKey = "wattboard.theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function presentTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return prefersDark.matches ? "dark" : "light";
}

/** The theme that is seen now, and a way to the other one. A choice that equals the system's is forgotten, so it follows the system again. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(presentTheme);

  useEffect(() => {
    const followChange = () => setTheme(presentTheme());
    prefersDark.addEventListener("change", followChange);
    const observer = new MutationObserver(followChange);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      prefersDark.removeEventListener("change", followChange);
      observer.disconnect();
    };
  }, []);

  const toggle = useCallback(() => {
    const chosen: Theme = presentTheme() === "dark" ? "light" : "dark";
    const followsSystem = chosen === (prefersDark.matches ? "dark" : "light");
    try {
      if (followsSystem) localStorage.removeItem(storageKey);
      else localStorage.setItem(storageKey, chosen);
    } catch {
      // Without storage the choice lasts until the page is loaded again.
    }
    if (followsSystem) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
  }, []);
  return [theme, toggle];
}
