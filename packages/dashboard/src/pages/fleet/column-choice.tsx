import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Choice, Choices } from "../../ui/field.tsx";
import styles from "./column-choice.module.css";
import { fieldGroups } from "./field-options.tsx";
import { type FleetField, usualColumns } from "./fleet-field.ts";
import { viewLimits } from "./fleet-view.ts";

interface ColumnChoiceProps {
  readonly fields: readonly FleetField[];
  readonly chosen: readonly string[];
  readonly onChange: (columns: readonly string[]) => void;
  readonly onClose: () => void;
}

/** Which columns the table has: everything that any device has told can be one. A new one comes last. */
export function ColumnChoice({ fields, chosen, onChange, onClose }: ColumnChoiceProps) {
  const isFull = chosen.length >= viewLimits.columns;
  const toggle = (name: string) =>
    onChange(chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name]);
  return (
    <Dialog title="Columns" onClose={onClose}>
      <div className={styles.groups}>
        {fieldGroups.map((group) => (
          <Choices key={group} legend={group}>
            {fields
              .filter((field) => field.group === group && field.name !== "id")
              .map(({ name, label, unit }) => (
                <Choice
                  key={name}
                  type="checkbox"
                  title={name}
                  checked={chosen.includes(name)}
                  disabled={isFull && !chosen.includes(name)}
                  onChange={() => toggle(name)}
                >
                  {label} <span className="muted">{unit}</span>
                </Choice>
              ))}
          </Choices>
        ))}
      </div>
      <p className="buttons">
        <Button onClick={() => onChange(usualColumns)}>As usual</Button>
        {isFull && <span className="muted">There are at most {viewLimits.columns} columns.</span>}
      </p>
    </Dialog>
  );
}
