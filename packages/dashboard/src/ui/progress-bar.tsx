import { formatNumber } from "./format-number.ts";
import styles from "./progress-bar.module.css";

interface ProgressBarProps {
  /** What is under way. */
  readonly label: string;
  /** 0 to 1. */
  readonly share: number;
}

/** How far something is that takes a while. */
export function ProgressBar({ label, share }: ProgressBarProps) {
  return (
    <label className={styles.progress}>
      <span>
        {label} <span className="muted">{formatNumber(Math.floor(100 * share), 0)} %</span>
      </span>
      <progress max={1} value={share} />
    </label>
  );
}
