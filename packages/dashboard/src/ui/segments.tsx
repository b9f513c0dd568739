import type { ReactNode } from "react";
import styles from "./segments.module.css";

interface SegmentsProps<Value> {
  /** What is chosen, for readers. */
  readonly label: string;
  readonly options: readonly (readonly [value: Value, label: ReactNode])[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  /** Whether they share the whole width. */
  readonly isWide?: boolean;
}

/** A few choices side by side, of which one holds. */
export function Segments<Value extends string | number>(props: SegmentsProps<Value>) {
  const { label, options, value, onChange, isWide = false } = props;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form's; these act at once.
    <div className={styles.segments} role="group" aria-label={label} data-wide={isWide}>
      {options.map(([each, words]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
          {words}
        </button>
      ))}
    </div>
  );
}
