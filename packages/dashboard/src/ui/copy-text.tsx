import { useRef } from "react";
import { Button } from "./button.tsx";
import styles from "./copy-text.module.css";
import { saveText } from "./save-text.ts";
import { useCopy } from "./use-copy.ts";

interface CopyTextProps {
  readonly label: string;
  readonly text: string;
  /** The name of the file in which it can be saved; absent: it is there to be copied alone. */
  readonly fileName?: string;
}

/** Some lines that are there to be copied, or saved. */
export function CopyText({ label, text, fileName }: CopyTextProps) {
  const shown = useRef<HTMLPreElement>(null);
  const { isCopied, copy } = useCopy(text);
  return (
    <figure className={styles.text}>
      <figcaption>
        <span>{label}</span>
        <span className="buttons">
          {fileName !== undefined && (
            <Button aria-label={`Save ${label}`} onClick={() => saveText(fileName, `${text}\n`)}>
              Save
            </Button>
          )}
          <Button
            aria-label={`Copy ${label}`}
            onClick={async () => {
              // Without TLS there is no clipboard; then it is at least selected.
              if (!(await copy()) && shown.current !== null) getSelection()?.selectAllChildren(shown.current);
            }}
          >
            {isCopied ? "Copied" : "Copy"}
          </Button>
        </span>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse. */}
      <pre ref={shown} tabIndex={0}>
        {text}
      </pre>
    </figure>
  );
}
