// The guides' numbers come from the tables in the code: `<!-- setting:KEY -->…<!-- /setting -->` is a setting's default, `<!-- bound:KEY -->` what it does
// and what happens there, `<!-- limit:NAME -->` a limit of the wire contract. Each ends with its own word after a slash.
import { limits } from "@wattboard/protocol";
import { settings } from "wattboard";

const place = /<!-- (setting|bound|limit):([\w.]+) -->[^<]*<!-- \/(?:setting|bound|limit) -->/g;

/** The page with all its places filled in. Throws where one names nothing. */
export function fillSettings(page: string): string {
  return page.replace(
    place,
    (_, form: string, key: string) => `<!-- ${form}:${key} -->${wordsOf(form, key)}<!-- /${form} -->`,
  );
}

function wordsOf(form: string, key: string): string {
  if (form === "limit") {
    const limit: number | undefined = (limits as Readonly<Record<string, number>>)[key];
    if (limit === undefined) throw new Error(`There is no limit ${key}.`);
    return inWords(key, limit);
  }
  const setting = settings.find((each) => each.key === key);
  if (setting === undefined) throw new Error(`There is no setting ${key}.`);
  const { default: value, description } = setting.schema;
  if (form === "bound") return description;
  return typeof value === "number" ? inWords(key, value) : `\`${String(value)}\``;
}

/** In the unit that the name ends with: `journal_bytes`, `staleAfterMs`. */
function inWords(key: string, value: number): string {
  if (/bytes(Max)?$/i.test(key)) return inUnits(value, byteUnits);
  if (/ms(Max|Min)?$/i.test(key)) return inUnits(value, timeUnits);
  return value.toLocaleString("en-US");
}

const byteUnits: readonly (readonly [string, number])[] = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["bytes", 1],
];
const timeUnits: readonly (readonly [string, number])[] = [
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/** In the largest unit that leaves a whole number, which for days, hours and minutes is more than one: `1 GiB`, `60 s`, `24 hours`. */
function inUnits(value: number, units: readonly (readonly [string, number])[]): string {
  const fits = ([unit, size]: readonly [string, number]) =>
    value % size === 0 && (value > size || !unit.endsWith("s") || size <= 1_000);
  const [unit, size] = units.find(fits) ?? ["", 1];
  return `${(value / size).toLocaleString("en-US")} ${unit}`;
}
