import type { FieldGroup, FleetField } from "./fleet-field.ts";

export const fieldGroups: readonly FieldGroup[] = ["Device", "Measured", "Properties"];

/** The fields as options of a list, by what they are of. */
export function FieldOptions({ fields }: { readonly fields: readonly FleetField[] }) {
  return fieldGroups.map((group) => (
    <optgroup key={group} label={group}>
      {fields
        .filter((field) => field.group === group)
        .map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
    </optgroup>
  ));
}
