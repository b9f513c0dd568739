import { type KeyboardEvent, type ReactNode, useState } from "react";
import { Button } from "./button.tsx";
import styles from "./confirm-button.module.css";
import { inputLook } from "./field.tsx";

interface ConfirmButtonProps {
  /** What it does; the three dots say that it asks first. */
  readonly children: ReactNode;
  /** The word for doing it, which names what is hit. */
  readonly sure: ReactNode;
  /** For what is gone for ever: a word that has to be typed first, such as the name of what is hit. */
  readonly typed?: string;
  readonly tone?: "plain" | "strong" | "bad";
  readonly disabled?: boolean;
  readonly label?: string;
  readonly onConfirm: () => void;
  /** Called when it begins to ask, to show what would be hit, and when the answer was no. */
  readonly onAsk?: () => void;
  readonly onNo?: () => void;
}

/** For what cannot be undone: it asks once more, in its own place, and nothing happens by a slip of the finger. */
export function ConfirmButton(props: ConfirmButtonProps) {
  const { children, sure, typed, tone = "plain", disabled, label, onConfirm, onAsk, onNo } = props;
  const [isAsking, setAsking] = useState(false);
  const [text, setText] = useState("");
  const ask = () => {
    setText("");
    setAsking(true);
    onAsk?.();
  };
  const cancel = () => {
    setAsking(false);
    onNo?.();
  };
  const confirm = () => {
    setAsking(false);
    onConfirm();
  };
  if (!isAsking) {
    return (
      <Button tone={tone} disabled={disabled} aria-label={label} onClick={ask}>
        {children}…
      </Button>
    );
  }
  const isSure = typed === undefined || text.trim() === typed;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    // The form around it, if there is one, is not meant.
    event.preventDefault();
    if (isSure) confirm();
  };
  return (
    <>
      {typed !== undefined && (
        <label className={styles.typed}>
          <span>
            Type <code>{typed}</code> to go on
          </span>
          <input
            className={inputLook}
            // biome-ignore lint/a11y/noAutofocus: the focus must not be lost with the button that had it.
            autoFocus
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={text}
            onChange={({ target }) => setText(target.value)}
            onKeyDown={onKeyDown}
          />
        </label>
      )}
      <Button tone="strong" data-wraps disabled={disabled || !isSure} onClick={confirm}>
        {sure}
      </Button>
      {/* The focus must not be lost with the button that had it, and the harmless answer has it. */}
      <Button autoFocus={typed === undefined} onClick={cancel}>
        No
      </Button>
    </>
  );
}
