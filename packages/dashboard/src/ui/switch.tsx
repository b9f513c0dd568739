import type { ReactNode } from "react";
import styles from "./switch.module.css";

interface SwitchProps {
  /** For readers; it stands beside the switch where there are no children. */
  readonly label: string;
  readonly isOn: boolean;
  readonly disabled?: boolean;
  readonly title?: string;
  readonly onChange: () => void;
  readonly children?: ReactNode;
}

/** Something that is on or off, and changes at once. */
export function Switch({ label, isOn, disabled, title, onChange, children }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      className={styles.switch}
      aria-checked={isOn}
      aria-label={children === undefined ? label : undefined}
      disabled={disabled}
      title={title}
      onClick={onChange}
    >
      <span className={styles.track} aria-hidden="true" />
      {children}
    </button>
  );
}
