import { InvalidArgumentError } from "commander";
import { isTimeZone } from "../base/time-zone.ts";
import { type ColumnMapping, parseMappings } from "../transfer/csv-columns.ts";
import { isEncoding } from "../transfer/import/decode-text.ts";
import { compileTimeFormat } from "../transfer/import/time-format.ts";
import { parseUtcOffset } from "../transfer/utc-offset.ts";

/** What the flags of `wattboard import` say; each throws an `InvalidArgumentError`. */

export function oneSign(text: string): string {
  const sign = text === "\\t" || text === "tab" ? "\t" : text;
  if (sign.length !== 1 || sign === '"') throw new InvalidArgumentError("It must be one sign, such as ; or |.");
  return sign;
}

export function mappings(text: string, before: ColumnMapping[] = []): ColumnMapping[] {
  const parsed = parseMappings(text);
  if (typeof parsed === "string") throw new InvalidArgumentError(parsed);
  return [...before, ...parsed];
}

interface Condition {
  readonly column: string;
  readonly value: string;
}

export function where(text: string, before: Condition[] = []): Condition[] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must look like sensor=grid.");
  return [...before, { column: text.slice(0, at).trim(), value: text.slice(at + 1).trim() }];
}

export function timeFormat(text: string): string {
  const reader = compileTimeFormat(text);
  if (typeof reader === "string") throw new InvalidArgumentError(reader);
  return text;
}

export function timeZone(text: string): string {
  if (!isTimeZone(text)) throw new InvalidArgumentError("It must be the IANA name of a zone, such as Europe/Vienna.");
  return text;
}

export function encoding(text: string): string {
  if (!isEncoding(text)) throw new InvalidArgumentError("It must be an encoding such as windows-1252 or utf-16le.");
  return text;
}

export function line(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be the number of a line, from 1.");
  return Number(text);
}

export function utcOffset(text: string): number {
  const minutes = parseUtcOffset(text);
  if (Number.isNaN(minutes)) throw new InvalidArgumentError("It must look like +01:00.");
  return minutes;
}
