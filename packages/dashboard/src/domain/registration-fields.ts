/** What of a device's properties has a field of its own; the others are written as lines. */
const knownProperties = [
  "country",
  "place",
  "postcode",
  "time_zone",
  "site",
  "tags",
  "rated_power",
  "rated_battery_power",
  "rated_solar_power",
  "rated_grid_power",
  "rated_load_power",
  "capacity_wh",
  "peak_w",
] as const;
export type KnownProperty = (typeof knownProperties)[number];

const known: ReadonlySet<string> = new Set(knownProperties);

export interface DeviceWords {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What a form says of a device; a field that is empty says nothing. Throws where a line of the others cannot be read. */
export function readRegistration(form: FormData): DeviceWords {
  const text = (name: string): string => String(form.get(name) ?? "").trim();
  const given = knownProperties.map((name) => [name, name === "tags" ? tidyTags(text(name)) : text(name)] as const);
  const others = parseProperties(String(form.get("others") ?? ""));
  const properties = Object.fromEntries([...given.filter(([, value]) => value !== ""), ...others]);
  return { name: text("name"), properties };
}

/** `roof,  north ,roof` as `roof, north`. */
export function tidyTags(text: string): string {
  const tags = text.split(",").map((tag) => tag.trim());
  return [...new Set(tags.filter((tag) => tag !== ""))].join(", ");
}

/** Lines `name=value`. */
export function parseProperties(text: string): [string, string][] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const at = line.indexOf("=");
      if (at < 1) throw new Error(`“${line.slice(0, 60)}” is not name=value.`);
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
}

/** The properties that have no field of their own, as lines. */
export function formatOthers(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

/** What changes the one into the other: what is new or another, and null for what is gone. */
export function changesOf(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Readonly<Record<string, string | null>> {
  const changed = Object.entries(after).filter(([name, value]) => before[name] !== value);
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return Object.fromEntries([...changed, ...gone.map((name) => [name, null] as const)]);
}
