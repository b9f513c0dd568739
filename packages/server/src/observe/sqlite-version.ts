import type { Log } from "./log.ts";

/** The release with the last fix of a fault that could corrupt a write-ahead log. */
const soundSqlite = [3, 51, 3];

export function warnOfOldSqlite(log: Log): void {
  const version = process.versions.sqlite ?? "0";
  const parts = version.split(".").map(Number);
  const differing = soundSqlite.findIndex((part, at) => (parts[at] ?? 0) !== part);
  if (differing === -1 || (parts[differing] ?? 0) > (soundSqlite[differing] ?? 0)) return;
  log.warn(
    { sqlite: version },
    "this Node brings an SQLite older than 3.51.3, which can corrupt a write-ahead log; Node 24.21 brings a sound one",
  );
}
