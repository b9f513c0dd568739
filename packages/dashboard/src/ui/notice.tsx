import type { ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";
import styles from "./notice.module.css";

interface NoticeProps {
  readonly tone: "info" | "warn" | "error";
  readonly icon?: IconName;
  readonly title: ReactNode;
  /** For what comes while the page is in use: it lies over the foot of the window, and moves nothing that somebody may just be clicking. */
  readonly floats?: boolean;
  readonly children?: ReactNode;
}

/** A bar across the page that says what is the matter, and what to do about it. */
export function Notice({ tone, icon = "warning", title, floats = false, children }: NoticeProps) {
  return (
    <div className={styles.notice} data-tone={tone} data-floats={floats} role="status">
      <Icon name={icon} size={18} />
      <div className={styles.text}>
        <p className={styles.title}>{title}</p>
        {children}
      </div>
    </div>
  );
}
