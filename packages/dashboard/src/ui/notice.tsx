import type { ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";

interface NoticeProps {
  readonly tone: "info" | "warn" | "error";
  readonly icon?: IconName;
  readonly title: ReactNode;
  readonly children?: ReactNode;
}

/** A bar across the page that says what is the matter, and what to do about it. */
export function Notice({ tone, icon = "warning", title, children }: NoticeProps) {
  return (
    <div className={`notice notice-${tone}`} role="status">
      <Icon name={icon} size={18} />
      <div>
        <p className="notice-title">{title}</p>
        {children}
      </div>
    </div>
  );
}
