import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const folderName = "tmp";
const entryPattern = /^backup-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where the copy of that id (a UUID) lies until it is fetched: in a folder of the data folder that is for what is needed for a while only. */
export function temporaryPath(dataDir: string, id: string): string {
  const folder = join(dataDir, folderName);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, `backup-${id}`);
}

/** Removes what a server that was killed has left there: exactly what `temporaryPath` names, and nothing else. */
export function removeLeftOver(dataDir: string): void {
  let names: string[];
  try {
    names = readdirSync(join(dataDir, folderName));
  } catch {
    return;
  }
  for (const name of names) {
    if (entryPattern.test(name)) rmSync(join(dataDir, folderName, name), { recursive: true, force: true });
  }
}
