import type { ButtonHTMLAttributes } from "react";
import styles from "./button.module.css";

type Tone = "plain" | "strong" | "bad" | "icon";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `strong`: what one is here for; `bad`: what cannot be undone; `icon`: no frame, for an icon alone. */
  readonly tone?: Tone;
}

export function Button({ tone = "plain", ...props }: ButtonProps) {
  return <button type="button" className={styles.button} data-tone={tone} {...props} />;
}

/** For a link that looks like a button. */
export const buttonLook = { className: styles.button, "data-tone": "plain" } as const;
