import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What is written beside the data while the server runs, so that the command line of this machine can reach it. */
export interface ControlFile {
  readonly url: string;
  readonly token: string;
  /** The server's certificate where it speaks TLS: on loopback it is known by itself, whatever name it is made out to. */
  readonly certificate?: string;
}

export function writeControlFile(dataDir: string, content: ControlFile): void {
  // Made anew, so that nobody who could read an older file of the same name can read this one.
  removeControlFile(dataDir);
  writeFileSync(pathIn(dataDir), JSON.stringify(content), { mode: 0o600 });
}

/** Null where there is none, or not the whole of it yet. */
export function readControlFile(dataDir: string): ControlFile | null {
  try {
    return JSON.parse(readFileSync(pathIn(dataDir), "utf8")) as ControlFile;
  } catch {
    return null;
  }
}

export function removeControlFile(dataDir: string): void {
  rmSync(pathIn(dataDir), { force: true });
}

function pathIn(dataDir: string): string {
  return join(dataDir, "control.json");
}
