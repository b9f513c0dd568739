import type { ReactNode } from "react";
import type { StatusTone } from "./command-words.ts";
import styles from "./status-chip.module.css";

/** The status of a command, or of many, in its colour. */
export function StatusChip({ tone, children }: { readonly tone: StatusTone; readonly children: ReactNode }) {
  return (
    <span className={styles.status} data-tone={tone}>
      {children}
    </span>
  );
}
