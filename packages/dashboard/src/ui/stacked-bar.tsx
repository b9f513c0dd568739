import type { Quantity } from "./format-number.ts";
import styles from "./stacked-bar.module.css";

interface BarSegment {
  readonly label: string;
  readonly size: number;
  readonly quantity: Quantity;
  /** Names a colour: `data-hue` in the tokens. */
  readonly hue: string;
}

interface StackedBarProps {
  readonly title: string;
  readonly segments: readonly BarSegment[];
  /** The size that fills the whole width; two bars with the same one can be compared. */
  readonly whole: number;
  /** What is said where no part has a size. */
  readonly empty: string;
}

/** Parts of a sum, side by side. Read aloud, it is a list of its parts. */
export function StackedBar({ title, segments, whole, empty }: StackedBarProps) {
  return (
    <div className={styles.stacked}>
      <span className={styles.title}>{title}</span>
      {segments.every(({ size }) => size < 0.5) ? (
        <p className={styles.title}>{empty}</p>
      ) : (
        <ul className={styles.bar} aria-label={title}>
          {segments.map(({ label, size, quantity, hue }) => (
            <li
              key={label}
              className={styles.part}
              data-hue={hue}
              style={{ flexBasis: `${whole > 0 ? (100 * size) / whole : 0}%` }}
              title={`${label}: ${quantity.value} ${quantity.unit}`}
            >
              <span className={styles.label}>
                {label} <b>{quantity.value}</b> {quantity.unit}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
