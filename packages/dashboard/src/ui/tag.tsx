import type { ReactNode } from "react";
import styles from "./tag.module.css";

interface TagProps {
  readonly tone?: "plain" | "warn";
  readonly title?: string;
  readonly children: ReactNode;
}

/** A word that should be known of what stands beside it. */
export function Tag({ tone = "plain", title, children }: TagProps) {
  return (
    <span className={styles.tag} data-tone={tone} title={title}>
      {children}
    </span>
  );
}
