import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { escapeControls } from "../base/escape-controls.ts";

export type Log = Logger;

export interface LogSettings {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
}

/** JSON lines on stdout. What could be a secret is not written, wherever it stands; nor what a terminal would obey, where it is one. */
export function createLog({ level }: LogSettings): Log {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: [
        "token",
        "authorization",
        "cookie",
        "password",
        "*.token",
        "*.authorization",
        "*.cookie",
        "*.password",
        "req.headers.authorization",
        "req.headers.cookie",
      ],
      censor: "[redacted]",
    },
  };
  return process.stdout.isTTY ? pino(options, terminal) : pino(options);
}

/** JSON leaves C1 as it is, which some terminals obey. */
const terminal: DestinationStream = {
  write: (line) => void process.stdout.write(`${escapeControls(line.trimEnd())}\n`),
};
