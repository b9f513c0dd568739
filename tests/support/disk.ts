import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A disk of its own, such as `3m`; null where this machine does not let us mount one. */
export function mountDisk(size: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
}

export function unmountDisk(folder: string): void {
  execFileSync("umount", ["--lazy", folder]);
  rmSync(folder, { recursive: true });
}

/** Takes whatever room a disk has, until the test ends or the function that comes back is called. */
export function fill(disk: string): () => void {
  const filler = join(disk, "filler");
  const makeRoom = () => rmSync(filler, { force: true });
  onTestFinished(makeRoom);
  for (let size = 1_000_000; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
    } catch {
      // Full for this size; smaller ones may still fit.
    }
  }
  return makeRoom;
}
