import { limits } from "@wattboard/protocol/constants";
import { leadingColumns } from "./export-columns.ts";

const word = `[A-Za-z][A-Za-z0-9_]{0,${limits.nameLengthMax - 1}}`;
const pattern = new RegExp(`^${word}(\\.${word})?$`);
const reserved = new Set<string>([...leadingColumns, "timestamp"]);

/** Whether this can name a point: `battery.soc`, or `outside_temperature` for what stands outside of any section. */
export function isPointName(name: string): boolean {
  return pattern.test(name) && !reserved.has(name);
}
