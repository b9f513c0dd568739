import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { WrongUsage } from "./report.ts";

/** Writes a file that its owner alone may read, all of it or nothing, and not before it is on the disk. */
export function writePrivateFile(path: string, content: string | Uint8Array): void {
  const made = `${path}.new`;
  try {
    rmSync(made, { force: true });
    const file = openSync(made, "wx", 0o600);
    try {
      const bytes = Buffer.from(content);
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new WrongUsage(`The file ${path} cannot be written: ${reason}`, error);
  }
}
