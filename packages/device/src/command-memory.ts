import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { CommandResult } from "@wattboard/protocol";

/** A command that was taken, and what became of it; `accepted` as long as it is being carried out. */
export interface RememberedCommand {
  readonly command_id: string;
  readonly status: CommandResult["status"];
  readonly reason?: string;
}

/** Remembers commands beyond a restart of the device's program, so that none is applied twice. Both calls wait for the disk. */
export interface CommandMemory {
  /** What was saved last; nothing before the first time. */
  load(): readonly RememberedCommand[];
  /** Called before a command is carried out, and when it is done. Where it throws, the command is not carried out. At most 256 entries. */
  save(commands: readonly RememberedCommand[]): void;
}

/**
 * Remembers commands in a file, which is replaced as a whole each time. A file that cannot be read counts as empty. Makes the file's folder, and throws at
 * once where nothing can be written there: else the first command would be the first to show it.
 */
export function fileCommandMemory(path: string): CommandMemory {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK);
  return {
    load() {
      try {
        const found: unknown = JSON.parse(readFileSync(path, "utf8"));
        return Array.isArray(found) ? found : [];
      } catch {
        return [];
      }
    },
    save(commands) {
      const file = openSync(`${path}.new`, "w", 0o600);
      try {
        writeSync(file, JSON.stringify(commands));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.new`, path);
    },
  };
}
