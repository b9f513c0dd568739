import { Dialog } from "../../ui/dialog.tsx";
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
      <div className="column-choice">
        {fieldGroups.map((group) => (
          <fieldset key={group} className="choices">
            <legend className="field-label">{group}</legend>
            {fields
              .filter((field) => field.group === group && field.name !== "id")
              .map(({ name, label, unit }) => (
                <label key={name} className="choice" title={name}>
                  <input
                    type="checkbox"
                    checked={chosen.includes(name)}
                    disabled={isFull && !chosen.includes(name)}
                    onChange={() => toggle(name)}
                  />
                  <span>
                    {label} <span className="unit">{unit}</span>
                  </span>
                </label>
              ))}
          </fieldset>
        ))}
      </div>
      <p className="buttons">
        <button type="button" className="button" onClick={() => onChange(usualColumns)}>
          As usual
        </button>
        {isFull && <span className="muted">There are at most {viewLimits.columns} columns.</span>}
      </p>
    </Dialog>
  );
}
