import { type Logger, type LoggerOptions, pino } from "pino";

export type Log = Logger;

export interface LogSettings {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
}

/** JSON lines on stdout. What could be a secret is not written, wherever it stands. */
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
  return pino(options, stdout);
}
