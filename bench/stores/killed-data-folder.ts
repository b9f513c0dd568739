import { copyFileSync, globSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { makeDataFolder } from "../servers/wattboard.ts";
import { SubjectProcess } from "./subject-process.ts";

/**
 * A data folder as a server leaves it that is killed after so many seconds at 1 Hz, now: its devices, blocks, parts, and the journal of what was
 * in memory only. With `quietSeconds` nothing was sent for so long before it, and all stands in blocks. `silent` more devices are registered
 * that have sent nothing. It is the caller's to delete.
 */
export async function makeKilledDataFolder(
  devices: number,
  seconds: number,
  { silent = 0, quietSeconds = 0 } = {},
): Promise<string> {
  const folder = await makeDataFolder(devices + silent);
  const subject = await SubjectProcess.open("simulated");
  const fromMs = Math.floor(Date.now() / 1_000 - quietSeconds - seconds) * 1_000;
  await subject.run("pace", { span: { devices, fromMs, seconds }, quietSeconds });
  const remove = await subject.kill();
  for (const path of globSync(join(folder, "store.db*"))) rmSync(path);
  for (const path of globSync(join(subject.folder, "store.db*"))) copyFileSync(path, join(folder, basename(path)));
  remove();
  return folder;
}
