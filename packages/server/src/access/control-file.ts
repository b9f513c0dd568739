import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { tryWithRoom } from "../base/database-file.ts";
import type { Log } from "../observe/log.ts";
import type { Revocations } from "./revocations.ts";

/** What is written beside the data while the server runs, so that the command line of this machine can reach it. */
export interface ControlFile {
  readonly url: string;
  readonly token: string;
  /** The server's certificate where it speaks TLS: on loopback it is known by itself, whatever name it is made out to. */
  readonly certificate?: string;
}

function writeControlFile(dataDir: string, content: ControlFile): void {
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

const retryMs = 5_000;

/** Keeps the file there while the server runs, on a full disk too: whoever wants to take something back comes this way. */
export class ControlFileKeeper {
  readonly #dataDir: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #revocations: Revocations;
  #cancelRetry: CancelTimer = () => {};

  constructor(dataDir: string, clock: Clock, log: Log, revocations: Revocations) {
    this.#dataDir = dataDir;
    this.#clock = clock;
    this.#log = log;
    this.#revocations = revocations;
  }

  write(content: ControlFile): void {
    this.#cancelRetry();
    const write = (): boolean => tryWithRoom(() => writeControlFile(this.#dataDir, content));
    if (write()) return;
    this.#revocations.giveRoom();
    if (write()) return;
    this.#log.warn("the disk is full: the command line of this machine cannot reach the server until there is room");
    this.#cancelRetry = this.#clock.after(retryMs, () => this.write(content));
  }

  close(): void {
    this.#cancelRetry();
    removeControlFile(this.#dataDir);
  }
}
