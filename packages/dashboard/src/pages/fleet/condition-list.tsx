import { type Condition, formatCondition, operators } from "@wattboard/protocol";
import { Icon } from "../../ui/icon.tsx";
import { conditionWords } from "./condition-words.ts";
import { fleetField } from "./fleet-field.ts";
import styles from "./fleet-tools.module.css";

interface ConditionListProps {
  readonly label: string;
  /** What one of them is called. */
  readonly noun: string;
  readonly conditions: readonly Condition[];
  /** Left out where they cannot be changed. */
  readonly onChange?: (conditions: readonly Condition[]) => void;
}

/** Conditions beside each other, all of which are to be met. */
export function ConditionList({ label, noun, conditions, onChange }: ConditionListProps) {
  return (
    <ul className={styles.list} aria-label={label}>
      {conditions.map((condition, at) => {
        const { label: name, unit } = fleetField(condition.field);
        return (
          <li key={formatCondition(condition)} className={styles.one} title={condition.field}>
            <span>
              {name} <i>{operators[condition.operator]}</i> <b>{condition.value || "…"}</b> {unit}
            </span>
            {onChange !== undefined && (
              <button
                type="button"
                aria-label={`Remove ${noun}: ${conditionWords(condition)}`}
                onClick={() => onChange(conditions.filter((_, index) => index !== at))}
              >
                <Icon name="close" size={11} />
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
