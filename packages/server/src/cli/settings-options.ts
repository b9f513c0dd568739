import { type Command, Option } from "commander";
import type { Switchboard } from "../app/switchboard.ts";
import { type Config, loadConfig, type Setting, settings } from "../config/config.ts";
import { untilNpmIsGone } from "./npm-parent.ts";
import { printError } from "./report.ts";

/** What people usually set; the rest stands below it in the help. */
const usual = new Set([
  "host",
  "port",
  "data_dir",
  "access.dashboards",
  "tls.cert",
  "tls.key",
  "insecure",
  "store.url",
  "log.level",
]);

/** Gives a command one flag for every setting, and `--config`. */
export function addSettingsOptions(command: Command): Command {
  const inOrder = [...settings].sort((a, b) => Number(usual.has(b.key)) - Number(usual.has(a.key)));
  command.addOption(
    new Option("--config <file>", "YAML or JSON file with settings (WATTBOARD_CONFIG)").helpGroup("Options:"),
  );
  for (const setting of inOrder) {
    command.addOption(optionOf(setting).helpGroup(usual.has(setting.key) ? "Options:" : "Further settings:"));
  }
  return command;
}

/** The configuration from the command's flags, the environment and the file; `defaults` stand in where none of them speaks. */
export function configOf(command: Command, defaults: Readonly<Record<string, string | number | boolean>> = {}): Config {
  const given = command.opts<Record<string, string | undefined>>();
  const flags = Object.fromEntries(settings.map((setting) => [setting.key, given[optionOf(setting).attributeName()]]));
  const fileInEnv = process.env.WATTBOARD_CONFIG;
  const { config, warnings } = loadConfig({
    flags,
    env: process.env,
    file: given.config ?? (fileInEnv === "" ? undefined : fileInEnv),
    defaults,
  });
  for (const warning of warnings) printError(`Warning: ${warning}`);
  return config;
}

const endingSignals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Ends at the first of the signals; a second one ends the process at once. */
export function untilSignalled(signals = endingSignals): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      for (const each of signals) {
        process.off(each, onSignal);
        // npm passes a Ctrl-C on that the terminal has sent already: only a later one means haste.
        setTimeout(() => process.once(each, () => process.exit(1)), 500).unref();
        process.on(each, () => {});
      }
      resolve(signal);
    };
    for (const each of signals) process.on(each, onSignal);
  });
}

/**
 * Why a server has to end: SIGINT, SIGTERM, or npm that has started it and is gone. SIGHUP is none of them from here on: with it a server reads
 * files anew, see `onHangup`.
 */
export function untilServerEnds(): Promise<NodeJS.Signals | "npm is gone"> {
  process.on("SIGHUP", () => {});
  return Promise.race([untilSignalled(["SIGINT", "SIGTERM"]), untilNpmIsGone()]);
}

/** At each SIGHUP the server reads its certificate anew, and opens its log files anew. */
export function onHangup(switchboard: Switchboard): void {
  process.on("SIGHUP", () => {
    try {
      switchboard.reload();
      switchboard.log.info("certificate and log files were opened anew");
    } catch (error) {
      switchboard.log.error({ err: error }, "the certificate could not be read anew; the one before stays");
    }
  });
}

/** After a stop: what was given up, such as a store whose disk does not answer, must not keep the process. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), 500).unref();
}

function optionOf({ flag, alias, env, schema }: Setting): Option {
  const names = alias === undefined ? flag : `${alias}, ${flag}`;
  // A flag that stands alone says yes.
  if (schema.type === "boolean") {
    const description = `${schema.description} (default: ${schema.default}; ${env})`;
    return new Option(`${names} [true|false]`, description).preset("true");
  }
  const placeholder = schema.type === "integer" ? "number" : schema.type === "array" ? "list" : "text";
  const isNone = Array.isArray(schema.default) || schema.default === "";
  const shown = isNone ? "none" : String(schema.default);
  return new Option(`${names} <${placeholder}>`, `${schema.description} (default: ${shown}; ${env})`);
}
