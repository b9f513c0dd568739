import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { pinning } from "./pinning.ts";

/** On what a run was made; a figure without it says nothing. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly pinning: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Wattboard's settings that the caller's environment gave, `NAME=value`; empty for a plain run. */
  readonly settings: readonly string[];
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release().split("-", 1)[0]}`,
    pinning,
    versions: { node: process.versions.node, sqlite: process.versions.sqlite ?? "", ...packageVersions() },
    settings: Object.entries(process.env)
      .filter(([name]) => name.startsWith("WATTBOARD_") && !name.endsWith("_TOKEN"))
      .map(([name, value]) => `${name}=${value}`),
  };
}

function packageVersions(): Record<string, string> {
  return Object.fromEntries(
    ["wattboard", "ws", "typebox", "ajv", "zod"].map((name) => {
      const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
      return [name, (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version];
    }),
  );
}
