import { type Logger, pino } from "pino";

export type Log = Logger;

export interface LogSettings {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
}

/** JSON lines on stdout. What could be a secret is not written, wherever it stands. */
export function createLog({ level }: LogSettings): Log {
  return pino({
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
  });
}
