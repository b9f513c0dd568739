import { parseRfc3339 } from "./rfc3339.ts";

/** An instant as a device wrote it. */
export interface DeviceTime {
  /** Milliseconds since 1970 UTC. */
  readonly ms: number;
  /** False where the text says no offset: then it is read as UTC. */
  readonly hasOffset: boolean;
}

/** Characters of a time; a longer text is none. */
const lengthMax = 64;
const dayMs = 86_400_000;

/** ISO 8601 and what is written like it: a blank for the T, a comma, no seconds, an offset of hours, none at all; `20260131T120001Z` too. */
const isoPattern =
  /^(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)[Tt_ ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)? ?(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d)?)?(?:\[[A-Za-z_/+-]{1,32}\])?$/;
/** RFC 2822, as mail and HTTP have it. */
const mailPattern =
  /^(?:[A-Za-z]{3}, ?)?(\d{1,2})[ -]([A-Za-z]{3})[ -](\d{4}) (\d\d):(\d\d)(?::(\d\d))? ?(?:(Z|UTC?|GMT)|([+-])(\d\d):?(\d\d))$/;
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const numberPattern = /^\d{9,19}(?:\.\d{1,9})?$/;

/**
 * Reads the forms of time that devices send (`docs/reference/wire.md` lists them); null where there is none to be read. Time grows with the
 * text, and a long text is none.
 */
export function readDeviceTime(value: unknown): DeviceTime | null {
  if (typeof value === "number") return ofNumber(value);
  if (typeof value !== "string" || value.length > lengthMax) return null;
  const text = value.trim();
  const ms = parseRfc3339(text);
  if (!Number.isNaN(ms)) return { ms, hasOffset: true };
  if (numberPattern.test(text)) return ofNumber(Number(text));
  return ofIso(text) ?? ofMail(text);
}

/** Since 1970, in the unit that its size tells: seconds until the year 5138, milliseconds, microseconds, nanoseconds. */
function ofNumber(value: number): DeviceTime | null {
  if (!(value >= 1e8 && value < 1e20)) return null;
  const ms = value < 1e11 ? value * 1_000 : value < 1e14 ? value : value < 1e17 ? value / 1e3 : value / 1e6;
  return { ms: Math.trunc(ms), hasOffset: true };
}

function ofIso(text: string): DeviceTime | null {
  const found = isoPattern.exec(text);
  if (found === null) return null;
  const [, year, month, day, hour = "", minute = "", second = "00", fraction = "0", utc, sign, hours, minutes = "00"] =
    found;
  const isMidnight = hour === "24" && Number(minute) === 0 && Number(second) === 0;
  const zone = sign === undefined ? "Z" : `${sign}${hours}:${minutes}`;
  const time = `${isMidnight ? "00" : hour}:${minute}:${second}.${fraction}${zone}`;
  return deviceTimeOf(
    `${year}-${month}-${day}T${time}`,
    isMidnight ? dayMs : 0,
    utc !== undefined || sign !== undefined,
  );
}

function ofMail(text: string): DeviceTime | null {
  const found = mailPattern.exec(text);
  if (found === null) return null;
  const [, day = "", name = "", year, hour, minute, second = "00", , sign, hours, minutes] = found;
  const month = String(months.indexOf(name.toLowerCase()) + 1).padStart(2, "0");
  const zone = sign === undefined ? "Z" : `${sign}${hours}:${minutes}`;
  return deviceTimeOf(`${year}-${month}-${day.padStart(2, "0")}T${hour}:${minute}:${second}${zone}`, 0, true);
}

function deviceTimeOf(text: string, addedMs: number, hasOffset: boolean): DeviceTime | null {
  const ms = parseRfc3339(text);
  return Number.isNaN(ms) ? null : { ms: ms + addedMs, hasOffset };
}
