import { type Condition, formatCondition } from "@wattboard/protocol";
import { conditionTextWords } from "../fleet/condition-words.ts";
import type { FleetFilter } from "../fleet/fleet-filter.ts";

/** Every device has an id, and each begins with nothing: the API asks for a condition, so that nobody reaches the whole fleet by leaving one out. */
const everyDevice = formatCondition({ field: "id", operator: "^", value: "" });

/** A part of the table's filter that no condition can say, and what could be asked for in its place. */
export interface Untold {
  readonly about: string;
  readonly instead: readonly { readonly label: string; readonly change: Partial<FleetFilter> }[];
}

/** The conditions of a fleet command that reaches what the table shows. */
export function conditionsOf({ part, conditions }: FleetFilter): readonly string[] {
  const where = conditions.map(formatCondition);
  if (part === "online" || part === "offline") where.push(`online = ${part === "online"}`);
  return where.length === 0 ? [everyDevice] : where;
}

/** What of the table's filter a fleet command cannot have. As long as there is any, it would reach other devices than those shown. */
export function untoldOf({ text, part, conditions }: FleetFilter): readonly Untold[] {
  const untold: Untold[] = [];
  const words = text.split(/\s+/).filter(Boolean);
  const and = (...more: Condition[]) => ({ conditions: [...conditions, ...more] });
  const contain = (field: string) => words.map((value): Condition => ({ field, operator: "~", value }));
  if (words.length > 0) {
    untold.push({
      about: `The search for “${words.join(" ")}” looks at names, places, states and properties at once, which no condition does.`,
      instead: [
        { label: "Name contains it", change: { text: "", ...and(...contain("name")) } },
        { label: "Device id contains it", change: { text: "", ...and(...contain("id")) } },
        { label: "Leave the search out", change: { text: "" } },
      ],
    });
  }
  if (part === "error") {
    untold.push({
      about: "“Errors” are devices whose state is Error or that raise an error flag; a condition asks for one of both.",
      instead: [
        {
          label: "State is Error",
          change: { part: "all", ...and({ field: "state", operator: "=", value: "ERROR" }) },
        },
        {
          label: "Any error flag",
          change: { part: "all", ...and({ field: "error_flags", operator: "~", value: "" }) },
        },
      ],
    });
  }
  return untold;
}

/** The conditions of a fleet command in words. */
export function whereWords(where: readonly string[]): readonly string[] {
  return where.map((text) => (text === everyDevice ? "All devices" : conditionTextWords(text)));
}
