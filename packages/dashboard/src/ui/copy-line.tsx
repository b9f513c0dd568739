import { useRef } from "react";
import { Button } from "./button.tsx";
import styles from "./copy-line.module.css";
import { inputLook } from "./field.tsx";
import { useCopy } from "./use-copy.ts";

/** A text that is there to be copied, such as a link that is shown only once. */
export function CopyLine({ label, text }: { readonly label: string; readonly text: string }) {
  const shown = useRef<HTMLInputElement>(null);
  const { isCopied, copy } = useCopy(text);
  return (
    <div className={styles.line}>
      <input
        ref={shown}
        className={inputLook}
        aria-label={label}
        readOnly
        value={text}
        onFocus={(event) => event.currentTarget.select()}
      />
      <Button
        onClick={async () => {
          // Without TLS there is no clipboard; then it is at least selected.
          if (!(await copy())) shown.current?.select();
        }}
      >
        {isCopied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}
