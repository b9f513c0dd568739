import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const memory = "/dev/shm";
const neededBytes = 2 * 1024 ** 3;

/**
 * Vitest's global setup: one folder for whatever a run writes, gone when the run is. It is kept in memory where there is room for it, because a
 * commit costs a disk some milliseconds, and the tests make ten thousands of them. None of them cuts the power of a disk.
 */
// biome-ignore lint/style/noDefaultExport: Vitest calls the default export.
export default function makeRunFolder(): () => void {
  const folder = mkdtempSync(join(hasRoom(memory) ? memory : tmpdir(), "wattboard-tests-"));
  // PostgreSQL runs as a user of its own, and goes through it.
  chmodSync(folder, 0o711);
  // Workers, and what they start, are given this environment.
  process.env.TMPDIR = folder;
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  // After Ctrl-C nobody calls the teardown.
  process.once("exit", remove);
  return remove;
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize >= neededBytes;
}
