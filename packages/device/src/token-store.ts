import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Keeps the token that the server has sent beyond a restart of the device's program, and a power failure. */
export interface TokenStore {
  /** The token that was saved last for this server; null: none. */
  load(server: string): string | null;
  /** When it returns, or what it gives resolves, the token is on the disk. Where it fails, the device goes on with the token that it has. */
  save(server: string, token: string): void | Promise<void>;
}

/** Keeps the token in a file that its owner alone may read, and which is replaced as a whole. A file that cannot be read counts as none. */
export function fileTokenStore(path: string): TokenStore {
  return {
    load(server) {
      try {
        const found = JSON.parse(readFileSync(path, "utf8")) as Partial<Record<string, unknown>>;
        // Another server must not see it.
        return found.server === server && typeof found.token === "string" && found.token !== "" ? found.token : null;
      } catch {
        return null;
      }
    },
    save(server, token) {
      const folder = dirname(path);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const made = `${path}.new`;
      const file = openSync(made, "w", 0o600);
      try {
        writeSync(file, JSON.stringify({ server, token }));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(made, path);
      syncFolder(folder);
    },
  };
}

/** The file's new content is found under its name after a power failure too. Where a folder cannot be opened (Windows), the system sees to it. */
function syncFolder(folder: string): void {
  let entry: number;
  try {
    entry = openSync(folder, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(entry);
  } finally {
    closeSync(entry);
  }
}
