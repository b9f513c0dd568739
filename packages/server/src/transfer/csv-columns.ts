import { pointSpec } from "@wattboard/protocol/constants";
import type { PointValue } from "../store/algebra/point-value.ts";
import { type NumberStyle, parseNumber } from "./csv-number.ts";
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

/** Several with commas between them; one within a column's name is no such comma. */
export function parseMappings(text: string): ColumnMapping[] | string {
  const texts: string[] = [];
  for (const piece of text.split(",")) {
    const isNew = texts.at(-1)?.includes("=") !== false && /^[^=]+=[^=]+$/.test(piece);
    if (texts.length === 0 || isNew) texts.push(piece);
    else texts.push(`${texts.pop()},${piece}`);
  }
  const parsed = texts.map(parseMapping);
  return parsed.find((each) => typeof each === "string") ?? (parsed as ColumnMapping[]);
}

/** How the file writes what is no number, besides numbers. */
export interface CellStyle extends NumberStyle {
  /** Further words for "no value", in any case of letters, for every column. */
  readonly nulls?: ReadonlySet<string> | undefined;
}

/** What programs write for "no value" into a column of numbers, and outside of quotes into any that is not the catalogue's text. */
const nullWords = new Set(
  ["nan", "null", "none", "nil", "n/a", "na", "#n/a", "#value!", "inf", "-inf", "-", "--", "---", "?"].concat(
    "\u2013",
    "\u2014",
  ),
);

/** Whether an import would take the text, outside of quotes, for no value. */
export function isNullWord(text: string): boolean {
  return nullWords.has(text.trim().toLowerCase());
}

/**
 * What a cell says for a point, by the rules of our export: the catalogue's texts and flags as such; else a number, true or false where it
 * reads as one and does not stand in quotes; else a text. Undefined where it says nothing. Throws a RangeError that says what is wrong.
 */
export function readCell(
  { text, isQuoted }: Cell,
  { point, factor }: Pick<ColumnMapping, "point" | "factor">,
  style: CellStyle,
): PointValue | undefined {
  const trimmed = text.trim();
  if (trimmed === "" && !isQuoted) return undefined;
  if (style.nulls?.has(trimmed.toLowerCase())) return undefined;
  const kind = pointSpec(point)?.kind;
  if (kind === "text") return unguardFormulas(text);
  const mustBeNumber = kind === "number" || factor !== 1;
  if ((mustBeNumber || !isQuoted) && isNullWord(trimmed)) return undefined;
  if (kind === "flags") return readFlags(trimmed);
  const number = parseNumber(trimmed, style);
  if (number !== null && (!isQuoted || mustBeNumber)) return scaled(number, factor);
  if (mustBeNumber) {
    if (trimmed === "") return undefined;
    throw new RangeError(describeNoNumber(trimmed, style));
  }
  if (!isQuoted && (trimmed === "true" || trimmed === "false")) return trimmed === "true";
  return unguardFormulas(text);
}

/** With what would make one of it. */
function describeNoNumber(text: string, style: NumberStyle): string {
  if (style.decimalComma) {
    const withPoint = parseNumber(text, { ...style, decimalComma: false }) !== null;
    return withPoint ? "has a decimal point, and --decimal-comma says that decimals have a comma." : "is no number.";
  }
  if (parseNumber(text, { decimalComma: true }) === null) return "is no number.";
  return "is no number. Is the comma its decimal point? Then add --decimal-comma. Does it part thousands? Then --thousands ,";
}

function scaled(number: number, factor: number): number {
  if (!Number.isFinite(number * factor)) throw new RangeError("is too large a number.");
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
    throw new RangeError('is no JSON list of texts such as [] or ["E01"].');
  }
  return list as string[];
}

export function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
