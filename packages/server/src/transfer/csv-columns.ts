import { parseDecimal, pointSpec } from "@wattboard/protocol/constants";
import type { PointValue } from "../store/algebra/point-value.ts";
import type { Cell } from "./csv-records.ts";
import { unguardFormulas } from "./csv-text.ts";
import { isPointName } from "./import/point-name.ts";

/** One column of a CSV and the point that it becomes. */
export interface ColumnMapping {
  readonly column: string;
  readonly point: string;
  /** Numbers are multiplied by this: 1,000 for a column in kW. */
  readonly factor: number;
}

/** `Grid power [kW]=grid.power*1000`; a text that says what is wrong where it is none. */
export function parseMapping(text: string): ColumnMapping | string {
  const at = text.lastIndexOf("=");
  const [point = "", factorText = "1"] = text
    .slice(at + 1)
    .split("*")
    .map((part) => part.trim());
  const factor = Number(factorText);
  if (at < 1) return `${JSON.stringify(text)} must look like COLUMN=point, or COLUMN=point*FACTOR.`;
  if (!isPointName(point)) return `${JSON.stringify(point)} is no name of a point; one is grid.power.`;
  if (factorText === "" || !Number.isFinite(factor) || factor === 0)
    return `The factor ${JSON.stringify(factorText)} is no number.`;
  return { column: text.slice(0, at).trim(), point, factor };
}

/** A number as those write it who write decimals with a comma. */
const numberWithComma = /^[+-]?\d+,\d+$/;

/**
 * What a cell says for a point, by the rules of our export: the catalogue's texts and flags as such; else a number, true or false where it
 * reads as one and does not stand in quotes; else a text. Undefined where it is empty. Throws a RangeError that says what is wrong.
 */
export function readCell(
  { text, isQuoted }: Cell,
  { point, factor }: Pick<ColumnMapping, "point" | "factor">,
  decimalComma: boolean,
): PointValue | undefined {
  const trimmed = text.trim();
  if (trimmed === "" && !isQuoted) return undefined;
  const kind = pointSpec(point)?.kind;
  if (kind === "text") return unguardFormulas(text);
  if (kind === "flags") return readFlags(trimmed);
  // What writes decimals with a comma puts them in quotes where it separates with commas too.
  const hasComma = numberWithComma.test(trimmed);
  const number = parseDecimal(hasComma && decimalComma ? trimmed.replace(",", ".") : trimmed);
  const mustBeNumber = kind === "number" || factor !== 1;
  if (number !== null && (!isQuoted || mustBeNumber)) return scaled(number, factor, trimmed);
  if (mustBeNumber) {
    if (trimmed === "") return undefined;
    const hint = hasComma ? " Is the comma its decimal point? Then add --decimal-comma." : "";
    throw new RangeError(`${excerpt(text)} is no number.${hint}`);
  }
  if (!isQuoted && (trimmed === "true" || trimmed === "false")) return trimmed === "true";
  return unguardFormulas(text);
}

function scaled(number: number, factor: number, text: string): number {
  if (!Number.isFinite(number)) throw new RangeError(`${excerpt(text)} is too large a number.`);
  // 0.07 kW are 70 W, and not 70.00000000000001.
  return factor === 1 ? number : Number((number * factor).toPrecision(15));
}

function readFlags(text: string): readonly string[] {
  let list: unknown;
  try {
    list = JSON.parse(unguardFormulas(text));
  } catch {
    list = null;
  }
  if (!Array.isArray(list) || list.some((each) => typeof each !== "string")) {
    throw new RangeError(`${excerpt(text)} is no JSON list of texts such as [] or ["E01"].`);
  }
  return list as string[];
}

export function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
