import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { escapeControls } from "../base/escape-controls.ts";

export type Log = Logger;

export interface LogSettings {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
}

/** JSON lines on stdout. What could be a secret is not written, wherever it stands; nor what a terminal would obey, where it is one. */
export function createLog({ level }: LogSettings): Log {
  const stdout = pino.destination(1);
  // A terminal that is gone (EIO) ends the log and not the server, as pino has it for a pipe that nobody reads: what was not written would be tried
  // again for ever, at the exit too.
  stdout.on("error", () => Object.assign(stdout, { write: () => true, flushSync() {}, end() {}, destroy() {} }));
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
  return pino(options, process.stdout.isTTY ? forTerminal(stdout) : stdout);
}

/** JSON leaves C1 as it is, which some terminals obey. */
function forTerminal(stdout: DestinationStream): DestinationStream {
  return { write: (line) => stdout.write(`${escapeControls(line.trimEnd())}\n`) };
}
