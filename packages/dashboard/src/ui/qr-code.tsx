import encodeQr from "qr";
import { useMemo } from "react";
import styles from "./qr-code.module.css";

/** A text as a square that a camera reads. Loaded when it is shown, with what draws it. */
export function QrCode({ label, text }: { readonly label: string; readonly text: string }) {
  const rows = useMemo(() => encodeQr(text, "raw", { border: 2 }), [text]);
  const path = rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg className={styles.code} role="img" aria-label={label} viewBox={`0 0 ${rows.length} ${rows.length}`}>
      <path d={path} />
    </svg>
  );
}
