import { useState } from "react";
import { inputLook, Labelled } from "../../ui/field.tsx";
import styles from "./span-field.module.css";

const units = [
  [1, "s"],
  [60, "min"],
  [3_600, "h"],
] as const;

interface SpanFieldProps {
  readonly label: string;
  readonly note: string;
  readonly seconds: number;
  readonly onChange: (seconds: number) => void;
}

/** How long something lasts, as a number and its unit. */
export function SpanField({ label, note, seconds, onChange }: SpanFieldProps) {
  const [unitS, setUnitS] = useState(() => units.findLast(([each]) => seconds > 0 && seconds % each === 0)?.[0] ?? 1);
  const count = seconds / unitS;
  return (
    <Labelled label={label} note={note}>
      <span className={styles.span}>
        <input
          className={inputLook}
          type="number"
          inputMode="numeric"
          min={0}
          step={1}
          value={Number.isNaN(count) ? "" : count}
          onChange={({ target }) => onChange(target.valueAsNumber * unitS)}
        />
        <select
          className={inputLook}
          aria-label={`${label}: unit`}
          value={unitS}
          onChange={({ target }) => {
            setUnitS(Number(target.value) as typeof unitS);
            onChange(count * Number(target.value));
          }}
        >
          {units.map(([each, words]) => (
            <option key={each} value={each}>
              {words}
            </option>
          ))}
        </select>
      </span>
    </Labelled>
  );
}
