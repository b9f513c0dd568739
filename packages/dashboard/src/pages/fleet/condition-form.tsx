import { type Condition, type Operator, operators } from "@wattboard/protocol";
import { type FormEvent, useId, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { inputLook } from "../../ui/field.tsx";
import styles from "./condition-form.module.css";
import { FieldOptions } from "./field-options.tsx";
import { type FleetField, fleetField } from "./fleet-field.ts";
import { viewLimits } from "./fleet-view.ts";

interface ConditionFormProps {
  readonly fields: readonly FleetField[];
  readonly valuesOf: (field: string) => readonly string[];
  readonly isFull: boolean;
  /** What one of them is called; `filter` where nothing is said. */
  readonly noun?: string;
  readonly onAdd: (condition: Condition) => void;
}

/** Makes a filter of a field, a comparison and a value. It stays open, since one rarely comes alone. */
export function ConditionForm({ fields, valuesOf, isFull, noun = "filter", onAdd }: ConditionFormProps) {
  const [chosen, setField] = useState("battery.soc");
  const field = fields.some(({ name }) => name === chosen) ? chosen : (fields[0]?.name ?? chosen);
  const [operator, setOperator] = useState<Operator>(fleetField(field).kind === "number" ? ">" : "~");
  const [value, setValue] = useState("");
  const listId = useId();
  const { unit } = fleetField(field);

  const chooseField = (name: string) => {
    setField(name);
    setValue("");
    setOperator(fleetField(name).kind === "number" ? ">" : "~");
  };
  const add = (event: FormEvent) => {
    event.preventDefault();
    onAdd({ field, operator, value: value.trim() });
    setValue("");
  };
  return (
    <form className={styles.form} onSubmit={add} aria-label={`New ${noun}`}>
      <label>
        <span className="sr-only">Field</span>
        <select className={inputLook} value={field} onChange={({ target }) => chooseField(target.value)}>
          <FieldOptions fields={fields} />
        </select>
      </label>
      <label>
        <span className="sr-only">Comparison</span>
        <select className={inputLook} value={operator} onChange={({ target }) => setOperator(target.value as Operator)}>
          {Object.entries(operators).map(([each, words]) => (
            <option key={each} value={each}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label className={styles.value}>
        <span className="sr-only">Value</span>
        <input
          className={inputLook}
          required
          maxLength={100}
          value={value}
          list={listId}
          placeholder={unit === "" ? "Value" : `Value in ${unit}`}
          onChange={({ target }) => setValue(target.value)}
        />
      </label>
      <datalist id={listId}>
        {valuesOf(field).map((told) => (
          <option key={told} value={told} />
        ))}
      </datalist>
      <Button type="submit" tone="strong" disabled={isFull}>
        Add {noun}
      </Button>
      {isFull && <span className="muted">There are at most {viewLimits.conditions} of them.</span>}
    </form>
  );
}
