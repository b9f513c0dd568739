import { type Condition, isRefusal, operators, parseCondition } from "@wattboard/protocol";
import { fleetField } from "./fleet-field.ts";

/** A condition as it is read: `Charge > 80 %`. */
export function conditionWords({ field, operator, value }: Condition): string {
  const { label, unit } = fleetField(field);
  return `${label} ${operators[operator]} ${value === "" ? "…" : value} ${unit}`.trim();
}

/** The same of a condition as the API has it; one that cannot be read stands as it is. */
export function conditionTextWords(text: string): string {
  const condition = parseCondition(text);
  return isRefusal(condition) ? text : conditionWords(condition);
}
