import { parseDecimal, parseRfc3339 } from "@wattboard/protocol";

/** A time as a cell says it. */
export interface CellTime {
  /** Ms since 1970 UTC; of a local time what it would be if its clock showed UTC. */
  readonly ms: number;
  readonly isLocal: boolean;
}

/** Null where the text is no time of this form. */
export type TimeReader = (text: string) => CellTime | null;

/** Longer texts are no times. */
const lengthMax = 64;

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const localMonths: Readonly<Record<string, number>> = { mrz: 3, mär: 3, mai: 5, okt: 10, dez: 12, fév: 2, avr: 4 };

interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
  isAfternoon: boolean | null;
  /** East of UTC; null: local. */
  offsetMinutes: number | null;
}

/** Reads its part of the text from `at` on; gives where the next one begins, or −1. */
type Part = (text: string, at: number, fields: Fields) => number;

const number =
  (field: "year" | "month" | "day" | "hour" | "minute" | "second", digitsMin: number, digitsMax: number): Part =>
  (text, at, fields) => {
    let end = at;
    let value = 0;
    for (; end < at + digitsMax && isDigit(text, end); end++) value = value * 10 + Number(text[end]);
    // 00 to 68 are ours, as POSIX has it.
    fields[field] = field === "year" && digitsMax === 2 ? value + (value < 69 ? 2000 : 1900) : value;
    return end - at < digitsMin ? -1 : end;
  };

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

const fraction: Part = (text, at, fields) => {
  let end = at;
  while (end < at + 9 && isDigit(text, end)) end++;
  fields.ms = Math.floor(Number(`0.${text.slice(at, end)}`) * 1_000 + 1e-6);
  return end === at ? -1 : end;
};

const monthName: Part = (text, at, fields) => {
  const name = text.slice(at, at + 3).toLowerCase();
  fields.month = localMonths[name] ?? months.indexOf(name) + 1;
  let end = at;
  while (end < text.length && /\p{L}/u.test(text[end] as string)) end++;
  return fields.month === 0 ? -1 : end;
};

const halfOfDay: Part = (text, at, fields) => {
  const found = /^([ap])\.?m\.?/i.exec(text.slice(at, at + 4));
  fields.isAfternoon = found?.[1]?.toLowerCase() === "p";
  return found === null ? -1 : at + found[0].length;
};

const offset: Part = (text, at, fields) => {
  const [whole, sign, hours = "0", minutes = "0"] =
    /^(?:UTC|GMT|Z|([+-])(\d\d):?(\d\d)?)/i.exec(text.slice(at, at + 6)) ?? [];
  fields.offsetMinutes = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  return whole === undefined ? -1 : at + whole.length;
};

const parts: Readonly<Record<string, Part>> = {
  YYYY: number("year", 4, 4),
  YY: number("year", 2, 2),
  MMM: monthName,
  MM: number("month", 1, 2),
  M: number("month", 1, 2),
  DD: number("day", 1, 2),
  D: number("day", 1, 2),
  HH: number("hour", 1, 2),
  H: number("hour", 1, 2),
  hh: number("hour", 1, 2),
  h: number("hour", 1, 2),
  mm: number("minute", 1, 2),
  m: number("minute", 1, 2),
  ss: number("second", 1, 2),
  s: number("second", 1, 2),
  S: fraction,
  a: halfOfDay,
  Z: offset,
};

/** What other programs call them: Java's and Excel's small letters, and those of `strftime`. */
const synonyms: Readonly<Record<string, string>> = {
  yyyy: "YYYY",
  yy: "YY",
  dd: "DD",
  d: "D",
  A: "a",
  MMMM: "MMM",
  ZZ: "Z",
  XXX: "Z",
  "%Y": "YYYY",
  "%y": "YY",
  "%m": "MM",
  "%b": "MMM",
  "%B": "MMM",
  "%d": "DD",
  "%H": "HH",
  "%I": "hh",
  "%M": "mm",
  "%S": "ss",
  "%f": "S",
  "%p": "a",
  "%z": "Z",
};

const patternTokens =
  /%[A-Za-z]|YYYY|yyyy|YY|yy|MMMM|MMM|MM|M|DD|dd|D|d|HH|H|hh|h|mm|m|ss|s|S{1,9}|XXX|ZZ|Z|a|A|'[^']*'|\[[^\]]*\]|./gsu;

/** What a `--time-format` may be, for an error's text. */
const timeFormatForms =
  "made of YYYY MM DD HH (or hh with a) mm ss SSS Z, such as DD.MM.YYYY HH:mm, or one of epoch-s, epoch-ms, excel";

const named: Readonly<Record<string, TimeReader>> = {
  "epoch-s": (text) => absolute(parseDecimal(text), 1_000),
  "epoch-ms": (text) => absolute(parseDecimal(text), 1),
  excel: readSerial,
};

/** The reader of a form that is given by its pattern, or a text that says what is wrong with it. */
export function compileTimeFormat(pattern: string): TimeReader | string {
  const known = named[pattern.toLowerCase()];
  if (known !== undefined) return known;
  if (pattern.length > lengthMax) return `It is longer than ${lengthMax} characters.`;
  const steps: Part[] = [];
  const seen = new Set<string>();
  for (const [token] of pattern.matchAll(patternTokens)) {
    const name = token.startsWith("SS") ? "S" : (synonyms[token] ?? token);
    const part = parts[name];
    if (part === undefined) steps.push(literal(token.replace(/^(['[])(.*)['\]]$/s, "$2")));
    else steps.push(part);
    seen.add(name[0] as string);
  }
  if (!["Y", "M", "D"].every((field) => seen.has(field))) return `It must be ${timeFormatForms}.`;
  return (text) => {
    const fields = noTime();
    let at = 0;
    for (const step of steps) {
      at = step(text, at, fields);
      if (at === -1) return null;
    }
    return at === text.length ? timeOf(fields) : null;
  };
}

function literal(wanted: string): Part {
  // A blank stands for any number of them.
  if (wanted === " ") return (text, at) => (text[at] === " " ? at + 1 : -1);
  return (text, at) => (text.startsWith(wanted, at) ? at + wanted.length : -1);
}

/** A cell's text as the readers take it: blanks of every kind are one blank. Null: it cannot be a time. */
export function timeText(text: string): string | null {
  return text.length > lengthMax * 2 ? null : text.trim().replace(/\s+/g, " ");
}

const anyTime =
  /^(?:(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))(?:(?:T|,? )(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;

/**
 * The forms that can be taken for one thing only: RFC 3339, with or without its offset; the year first; the day first with dots; seconds,
 * milli-, micro- and nanoseconds since 1970 by their number of digits.
 */
export function readAnyTime(text: string): CellTime | null {
  if (/^\d{9,19}(?:\.\d{1,9})?$/.test(text)) {
    const digits = text.split(".", 1)[0]?.length as number;
    const perMs = { 9: 1e-3, 10: 1e-3, 12: 1, 13: 1, 16: 1e3, 19: 1e6 }[digits];
    return perMs === undefined ? null : absolute(Number(text), 1 / perMs);
  }
  const rfcMs = parseRfc3339(text);
  if (!Number.isNaN(rfcMs)) return { ms: rfcMs, isLocal: false };
  const found = anyTime.exec(text);
  if (found === null) return null;
  const [, year, , month, day, day2, month2, year2, hour = 0, minute = 0, second = 0, part = "", zone] = found;
  const fields = {
    ...noTime(),
    year: Number(year ?? year2),
    month: Number(month ?? month2),
    day: Number(day ?? day2),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
  if (part !== "") fraction(part, 0, fields);
  if (zone !== undefined) offset(zone, 0, fields);
  return timeOf(fields);
}

function noTime(): Fields {
  return { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, ms: 0, isAfternoon: null, offsetMinutes: null };
}

function timeOf({ year, month, day, hour, minute, second, ms, isAfternoon, offsetMinutes }: Fields): CellTime | null {
  if (isAfternoon !== null && (hour < 1 || hour > 12)) return null;
  const hour24 = isAfternoon === null ? hour : (hour % 12) + (isAfternoon ? 12 : 0);
  // Some write the end of a day as 24:00, and a leap second as :60.
  const isEndOfDay = hour24 === 24 && minute === 0 && second === 0;
  if ((hour24 > 23 && !isEndOfDay) || minute > 59 || second > 60) return null;
  const dayStartMs = Date.UTC(year, month - 1, day);
  const date = new Date(dayStartMs);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || date.getUTCFullYear() !== year) return null;
  const wallMs = dayStartMs + ((hour24 * 60 + minute) * 60 + second) * 1_000 + ms;
  return { ms: wallMs - (offsetMinutes ?? 0) * 60_000, isLocal: offsetMinutes === null };
}

function absolute(value: number | null, msPerUnit: number): CellTime | null {
  return value === null ? null : { ms: Math.round(value * msPerUnit), isLocal: false };
}

const daysFrom1899To1970 = 25_569;

/** Excel's days since 1899-12-30 of a local clock, to the second: it shows too few digits for more. */
function readSerial(text: string): CellTime | null {
  const days = parseDecimal(text.replace(",", "."));
  if (days === null || days < 1 || days > 2_958_466) return null;
  return { ms: Math.round((days - daysFrom1899To1970) * 86_400) * 1_000, isLocal: true };
}
