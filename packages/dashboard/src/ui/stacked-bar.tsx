import type { Quantity } from "./format-number.ts";

interface BarSegment {
  readonly label: string;
  readonly size: number;
  readonly quantity: Quantity;
  /** Names a colour: `fill-…` in the style sheet. */
  readonly fill: string;
}

interface StackedBarProps {
  readonly title: string;
  readonly segments: readonly BarSegment[];
  /** The size that fills the whole width; two bars with the same one can be compared. */
  readonly whole: number;
}

/** Parts of a sum, side by side. Read aloud, it is a list of its parts. */
export function StackedBar({ title, segments, whole }: StackedBarProps) {
  return (
    <div className="stacked">
      <span className="stacked-title">{title}</span>
      <ul className="stacked-bar" aria-label={title}>
        {segments.map(({ label, size, quantity, fill }) => (
          <li
            key={label}
            className={`stacked-part fill-${fill}`}
            style={{ flexBasis: `${whole > 0 ? (100 * size) / whole : 0}%` }}
            title={`${label}: ${quantity.value} ${quantity.unit}`}
          >
            <span className="stacked-label">
              {label} <b>{quantity.value}</b> {quantity.unit}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
