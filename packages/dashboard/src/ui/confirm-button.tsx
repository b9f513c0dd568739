import { type ReactNode, useState } from "react";
import { Button } from "./button.tsx";

interface ConfirmButtonProps {
  /** What it does; the three dots say that it asks first. */
  readonly children: ReactNode;
  /** The word for doing it, which names what is hit. */
  readonly sure: ReactNode;
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
  const { children, sure, tone = "plain", disabled, label, onConfirm, onAsk, onNo } = props;
  const [isAsking, setAsking] = useState(false);
  const ask = () => {
    setAsking(true);
    onAsk?.();
  };
  const cancel = () => {
    setAsking(false);
    onNo?.();
  };
  if (!isAsking) {
    return (
      <Button tone={tone} disabled={disabled} aria-label={label} onClick={ask}>
        {children}…
      </Button>
    );
  }
  return (
    <>
      <Button
        tone="strong"
        data-wraps
        disabled={disabled}
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {sure}
      </Button>
      {/* The focus must not be lost with the button that had it, and the harmless answer has it. */}
      <Button autoFocus onClick={cancel}>
        No
      </Button>
    </>
  );
}
