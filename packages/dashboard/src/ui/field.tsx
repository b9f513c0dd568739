import type { FormHTMLAttributes, InputHTMLAttributes, ReactNode } from "react";
import styles from "./field.module.css";

interface LabelledProps {
  readonly label: ReactNode;
  readonly note?: ReactNode;
  readonly children: ReactNode;
}

/** One line of a form: its label, what is filled in, and what to know about it. */
export function Labelled({ label, note, children }: LabelledProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among its children.
    <label className={styles.field}>
      <span className={styles.label}>{label}</span>
      {children}
      {note !== undefined && <span className="fine">{note}</span>}
    </label>
  );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly note?: ReactNode;
}

/** A line of a form in which something is written. */
export function Field({ label, note, ...input }: FieldProps) {
  return (
    <Labelled label={label} note={note}>
      <input className={styles.input} {...input} />
    </Labelled>
  );
}

/** Lines of a form below each other. */
export function Form(props: FormHTMLAttributes<HTMLFormElement>) {
  return <form className={styles.form} {...props} />;
}

/** The look of an input or a select by itself. */
export const inputLook = styles.input;

interface ChoicesProps {
  readonly legend: string;
  readonly children: ReactNode;
}

/** Choices that belong together, below each other. */
export function Choices({ legend, children }: ChoicesProps) {
  return (
    <fieldset className={styles.choices}>
      <legend className={styles.label}>{legend}</legend>
      {children}
    </fieldset>
  );
}

interface ChoiceProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "type"> {
  readonly type: "radio" | "checkbox";
  readonly children: ReactNode;
}

/** One of them, with its words. */
export function Choice({ children, title, ...input }: ChoiceProps) {
  return (
    <label className={styles.choice} title={title}>
      <input {...input} />
      <span>{children}</span>
    </label>
  );
}
