import type { ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";
import styles from "./notice.module.css";

interface NoticeProps {
  /** An `error` stays in view while the page scrolls. */
  readonly tone: "info" | "warn" | "error";
  readonly icon?: IconName;
  readonly title: ReactNode;
  readonly children?: ReactNode;
}

/** A bar across the page that says what is the matter, and what to do about it. */
export function Notice({ tone, icon = "warning", title, children }: NoticeProps) {
  return (
    <div className={styles.notice} data-tone={tone} role="status">
      <Icon name={icon} size={18} />
      <div className={styles.text}>
        <p className={styles.title}>{title}</p>
        {children}
      </div>
    </div>
  );
}
