import { useEffect } from "react";

let name = document.title;
let count = 0;

function show(): void {
  document.title = count === 0 ? name : `(${count}) ${name}`;
}

/** Names the page in the browser's tab and history. */
export function useTitle(title: string): void {
  useEffect(() => {
    name = title;
    show();
  }, [title]);
}

/** Puts before the page's name how much there is that wants somebody: `(3) Fleet · Wattboard`. */
export function useTitleCount(wanting: number): void {
  useEffect(() => {
    count = wanting;
    show();
    return () => {
      count = 0;
      show();
    };
  }, [wanting]);
}
