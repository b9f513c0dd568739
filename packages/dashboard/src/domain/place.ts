import { locale } from "../ui/locale.ts";

let regionNames: Intl.DisplayNames | undefined;
const regionCode = /^[A-Z]{2}$/;

/** The name of a country where it is given as a code of ISO 3166 (`SE`), else as it was written. */
export function countryName(country: string): string {
  if (!regionCode.test(country)) return country;
  regionNames ??= new Intl.DisplayNames(locale, { type: "region", fallback: "code" });
  return regionNames.of(country) ?? country;
}

/** Where a device stands, as far as its properties tell; empty where they do not. */
export function placeOf({ place = "", country = "" }: Readonly<Record<string, string>>): string {
  return [place, countryName(country)].filter(Boolean).join(", ");
}
