import { type PageSize, pageSizeOf, usualPageSize } from "./fleet-view.ts";

const storageKey = "wattboard.rows";

/** The rows a page that were chosen last in this browser, for addresses that say nothing of them. */
export function storedPageSize(): PageSize {
  try {
    return pageSizeOf(localStorage.getItem(storageKey)) ?? usualPageSize;
  } catch {
    return usualPageSize;
  }
}

export function storePageSize(size: PageSize): void {
  try {
    localStorage.setItem(storageKey, String(size));
  } catch {
    // Without storage the choice stands in the address alone.
  }
}
