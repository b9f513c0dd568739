import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { Failure } from "../base/failure.ts";

export interface WorkFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** Waits until its standard input ends, as it does with the process at the other end, and removes the folder that it is given. */
const remover = `
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.on(signal, () => {});
  process.stdin.resume().on("close", () => require("node:fs").rmSync(process.argv[1], { recursive: true, force: true }));
`;

/**
 * A new folder beside `path`, so that moving something from it to `path` is one step. It holds hashes of tokens, so it must not outlive this
 * process, however that ends: a small process of its own waits for that. Only a power failure leaves it behind.
 */
export function makeWorkFolderBeside(path: string): WorkFolder {
  const parent = dirname(join(path, "."));
  let folder: string;
  try {
    mkdirSync(parent, { recursive: true });
    folder = mkdtempSync(join(parent, ".wattboard-"));
  } catch (error) {
    throw new Failure("backup_failed", `${parent} cannot be written to: ${(error as Error).message}`, error);
  }
  const child = spawn(process.execPath, ["-e", remover, folder], {
    cwd: "/",
    // Of a session of its own: what is sent to the whole group of this process does not reach it.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  child.unref();
  (child.stdin as Socket).unref();
  return {
    path: folder,
    async remove() {
      await rm(folder, { recursive: true, force: true });
      child.stdin.destroy();
    },
  };
}
