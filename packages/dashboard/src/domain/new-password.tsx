import { Field } from "../ui/field.tsx";

/** The two lines in which somebody chooses a password. */
export function NewPassword() {
  return (
    <>
      <Field
        label="New password"
        name="password"
        type="password"
        autoComplete="new-password"
        minLength={12}
        required
        note="At least 12 characters; some words in a row are easy to remember."
      />
      <Field label="The same once more" name="again" type="password" autoComplete="new-password" required />
    </>
  );
}

/** The password that was chosen; throws what to show where the two are not the same. */
export function chosenPassword(form: FormData): string {
  const password = String(form.get("password"));
  if (password !== String(form.get("again"))) throw new Error("The two passwords are not the same.");
  return password;
}
