import { readFileSync } from "node:fs";
import type Type from "typebox";
import { Compile } from "typebox/compile";
import { parse as parseYaml } from "yaml";
import { Failure } from "../base/failure.ts";
import { type Config, configSchema } from "./settings.ts";

export type { Config } from "./settings.ts";

export interface Setting {
  /** Dotted, as in the file: `access.dashboards`. */
  readonly key: string;
  /** `WATTBOARD_ACCESS_DASHBOARDS` */
  readonly env: string;
  /** `--access-dashboards` */
  readonly flag: string;
  /** A shorter flag, where there is one. */
  readonly alias: string | undefined;
  readonly schema: SettingSchema;
}

interface SettingSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default: unknown;
  readonly description: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly string[];
}

const aliases: ReadonlyMap<string, string> = new Map([["store.url", "--store"]]);

/** All settings in the order of the table. TypeBox's types do not tell that each has a description and a default; the table above does. */
export const settings: readonly Setting[] = flatten(configSchema as unknown as SectionSchema, []);

interface SectionSchema {
  readonly properties: Readonly<Record<string, SectionSchema | SettingSchema>>;
}

function flatten(schema: SectionSchema, path: readonly string[]): Setting[] {
  return Object.entries(schema.properties).flatMap(([name, each]) => {
    const at = [...path, name];
    if ("properties" in each) return flatten(each, at);
    const words = at.join("_");
    return {
      key: at.join("."),
      env: `WATTBOARD_${words.toUpperCase()}`,
      flag: `--${words.replaceAll("_", "-")}`,
      alias: aliases.get(at.join(".")),
      schema: each,
    };
  });
}

export interface ConfigSources {
  /** By setting key, as given on the command line. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a YAML or JSON file, if one is given. */
  readonly file: string | undefined;
  /** By setting key: what a command takes instead of the table's defaults. */
  readonly defaults?: Readonly<Record<string, string | number | boolean>>;
}

interface GivenSetting {
  readonly value: unknown;
  /** Where it was said, for the error: `WATTBOARD_PORT`, `--port`, `wattboard.yaml: port`. */
  readonly from: string;
}

/** Names that belong to Wattboard's programs but are no settings of the server. */
const otherEnv = new Set(["WATTBOARD_CONFIG", "WATTBOARD_URL", "WATTBOARD_TOKEN"]);

/**
 * Puts the configuration together: flag over environment over file over default. Throws one `Failure` (`invalid_config`) that names
 * every problem. Gives warnings for what is odd but harmless.
 */
export function loadConfig({ flags, env, file, defaults = {} }: ConfigSources): {
  readonly config: Config;
  readonly warnings: string[];
} {
  const problems: string[] = [];
  const warnings: string[] = [];
  const fromFile = file === undefined ? new Map<string, unknown>() : readFile(file, problems);
  const known = new Set(settings.map((setting) => setting.key));
  for (const key of fromFile.keys()) {
    if (!known.has(key)) problems.push(`${file}: ${key} is no setting.${suggest(key)}`);
  }
  const knownEnv = new Set(settings.map((setting) => setting.env));
  for (const name of Object.keys(env)) {
    if (!name.startsWith("WATTBOARD_") || knownEnv.has(name) || otherEnv.has(name)) continue;
    warnings.push(`${name} is set, but is no setting of this version.`);
  }

  const config: Record<string, unknown> = {};
  for (const setting of settings) {
    const given = find(setting, flags, env, fromFile, file);
    const value = given === null ? (defaults[setting.key] ?? structuredClone(setting.schema.default)) : given.value;
    const fault = given === null ? null : judge(setting, value);
    if (fault !== null) problems.push(`${given?.from} is ${JSON.stringify(value)}, but ${fault}.`);
    assign(config, setting.key.split("."), value);
  }
  if (problems.length > 0) {
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    throw new Failure(
      "invalid_config",
      `The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${list}`,
    );
  }
  return { config: config as Config, warnings };
}

function find(
  { key, env: envName, flag, schema }: Setting,
  flags: ConfigSources["flags"],
  env: ConfigSources["env"],
  fromFile: ReadonlyMap<string, unknown>,
  file: string | undefined,
): GivenSetting | null {
  const flagged = flags[key];
  if (flagged !== undefined) return { value: fromText(flagged, schema), from: flag };
  const inEnv = env[envName];
  if (inEnv !== undefined && inEnv !== "") return { value: fromText(inEnv, schema), from: envName };
  return fromFile.has(key) ? { value: fromFile.get(key), from: `${file}: ${key}` } : null;
}

/** A flag's or the environment's text as the setting's type; what does not read as a number stays text and fails the check. */
function fromText(text: string, { type }: SettingSchema): unknown {
  if (type === "array") return text === "" ? [] : text.split(",").map((part) => part.trim());
  if (type === "boolean" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (type === "integer" && /^-?\d+$/.test(text.trim())) return Number(text);
  return text;
}

/** What the setting must be, in words; null where the value is that. */
function judge({ key, schema }: Setting, value: unknown): string | null {
  const { type, minimum, maximum, examples = [] } = schema;
  if (Compile(schema as Type.TSchema).Check(value)) return null;
  if (schema.enum !== undefined) return `must be one of ${schema.enum.join(", ")}`;
  if (type === "integer") {
    const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
    return `must be a whole number ${isBounded ? `from ${minimum} to ${maximum}` : `of at least ${minimum}`}`;
  }
  if (type === "boolean") return "must be true or false";
  if (type === "array") return `must be a list such as ${examples.join(", ")}`;
  if (key === "base_path") return "must be a path such as /energy, without a slash at its end";
  if (key === "site.time_zone") return "must be the IANA name of a time zone, such as Europe/Vienna, or machine";
  if (key === "notify.smtp_url") return "must be an address such as smtps://name:password@mail.example.org";
  return "must be a text that is not empty";
}

function readFile(file: string, problems: string[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, "utf8"), { maxAliasCount: 0 });
  } catch (error) {
    problems.push(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return found;
  }
  if (content === null) return found;
  if (typeof content !== "object" || Array.isArray(content)) {
    problems.push(`${file} must hold settings, such as "port: 8000".`);
    return found;
  }
  collect(content as Record<string, unknown>, "", found);
  return found;
}

const groups = new Set(
  settings.filter(({ key }) => key.includes(".")).map(({ key }) => key.slice(0, key.indexOf("."))),
);

/** Takes both forms: `access: {dashboards: public}` and `access.dashboards: public`. */
function collect(content: Record<string, unknown>, path: string, found: Map<string, unknown>): void {
  for (const [name, value] of Object.entries(content)) {
    const key = path + name;
    const isGroup = groups.has(key) && typeof value === "object" && !Array.isArray(value);
    // The group is null where all of its settings are commented out.
    if (isGroup) collect((value ?? {}) as Record<string, unknown>, `${key}.`, found);
    else found.set(key, value);
  }
}

function suggest(key: string): string {
  if (groups.has(key)) {
    const inside = settings.filter((setting) => setting.key.startsWith(`${key}.`)).map((setting) => setting.key);
    return ` It is a group of settings: ${inside.join(", ")}.`;
  }
  const normal = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, "");
  const near = settings.find((setting) => normal(setting.key) === normal(key) || setting.key.endsWith(`.${key}`));
  return near === undefined ? "" : ` Did you mean ${near.key}?`;
}

function assign(into: Record<string, unknown>, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[first] = value;
    return;
  }
  into[first] ??= {};
  assign(into[first] as Record<string, unknown>, rest, value);
}
