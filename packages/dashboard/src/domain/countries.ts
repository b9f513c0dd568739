import { locale } from "../ui/locale.ts";
import { countryName } from "./place.ts";

const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
/** Codes that have a name and are no country. */
const others: ReadonlySet<string> = new Set(["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"]);

/** The countries of ISO 3166 that the browser has a name for, by name. */
export function countries(): readonly (readonly [code: string, name: string])[] {
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  const compare = new Intl.Collator(locale).compare;
  return codes
    .map((code) => [code, countryName(code)] as const)
    .filter(([code, name]) => name !== code && !others.has(code) && isCode(code))
    .sort(([, one], [, other]) => compare(one, other));
}

/** Not one that has another code now, such as `DD`. */
function isCode(code: string): boolean {
  return new Intl.Locale(`und-${code}`).region === code;
}
