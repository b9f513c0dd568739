import type { Quantity as QuantityProps } from "./format-number.ts";
import styles from "./quantity.module.css";

/** A number and its unit, which never part. */
export function Quantity({ value, unit }: QuantityProps) {
  return (
    <span className={styles.quantity}>
      {value}
      {unit !== "" && <span className={styles.unit}> {unit}</span>}
    </span>
  );
}
