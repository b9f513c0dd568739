import { pointNamePattern } from "@wattboard/protocol/constants";
import { leadingColumns } from "../export/export-columns.ts";

const reserved = new Set<string>([...leadingColumns, "timestamp"]);

/** Whether this can name a point: `battery.soc`, or `outside_temperature` for what stands outside of any section. */
export function isPointName(name: string): boolean {
  return pointNamePattern.test(name) && !reserved.has(name);
}
