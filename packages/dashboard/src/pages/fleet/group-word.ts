import { countryName } from "../../domain/place.ts";
import { modeWord, stateWord } from "../../domain/state-words.ts";

/** What devices of a group share, for people. */
export function groupWord(field: string, value: string | null): string {
  if (value === null) return "";
  if (field === "online") return value === "true" ? "online" : "offline";
  if (field === "state") return stateWord(value);
  if (field === "mode") return modeWord(value);
  return field === "properties.country" ? countryName(value) : value;
}
