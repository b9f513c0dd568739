import type { InputHTMLAttributes, ReactNode } from "react";

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly note?: ReactNode;
}

/** One line of a form, with its label. */
export function Field({ label, note, ...input }: FieldProps) {
  return (
    <label className="field">
      <span className="field-label">{label}</span>
      <input className="input" {...input} />
      {note !== undefined && <span className="fine">{note}</span>}
    </label>
  );
}
