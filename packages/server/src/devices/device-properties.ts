import { limits, propertyKeyPattern } from "@wattboard/protocol";
import { isTimeZone } from "../base/time-zone.ts";

/** Properties that an administrator may give a device, and as many that it may say of itself. */
export const propertiesMax = 32;

/** What is wrong with the properties given to a device, in words; null where they can be given. */
export function describePropertiesFault(properties: Readonly<Record<string, string>> = {}): string | null {
  const entries = Object.entries(properties);
  if (entries.length > propertiesMax) return `A device has at most ${propertiesMax} properties.`;
  for (const [key, value] of entries) {
    if (!propertyKeyPattern.test(key)) {
      return `The property ${JSON.stringify(key)} must be 1 to ${limits.nameLengthMax} of a-z 0-9 _, first a letter.`;
    }
    if (value.length > limits.textLengthMax) {
      return `The property ${key} has ${value.length} characters; at most ${limits.textLengthMax} are allowed.`;
    }
    if (key === "time_zone" && !isTimeZone(value)) {
      return `The property time_zone must be the IANA name of a time zone, such as Europe/Vienna; ${JSON.stringify(value)} is none.`;
    }
  }
  return null;
}
