import { useState } from "react";
import { Button } from "./button.tsx";
import styles from "./copy-line.module.css";
import { inputLook } from "./field.tsx";

/** A text that is there to be copied, such as a link that is shown only once. */
export function CopyLine({ label, text }: { readonly label: string; readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    // Without TLS there is no clipboard; the text can still be selected.
    await navigator.clipboard?.writeText(text);
    setCopied(navigator.clipboard !== undefined);
  };
  return (
    <div className={styles.line}>
      <input
        className={inputLook}
        aria-label={label}
        readOnly
        value={text}
        onFocus={(event) => event.currentTarget.select()}
      />
      <Button onClick={copy}>{isCopied ? "Copied" : "Copy"}</Button>
    </div>
  );
}
