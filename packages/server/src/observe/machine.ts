import { readdirSync, readFileSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import type { CancelTimer, Clock } from "../base/clock.ts";

const lookMs = 10_000;

/**
 * How much is left of what the operating system gives: descriptors and room on the disk. Looked at now and then and off the event loop, so that
 * who scrapes the metrics waits for no disk.
 */
export class Machine {
  readonly #dataDir: string;
  readonly #stop: CancelTimer;
  #isLooking = false;
  /** Null where the system does not tell. */
  openDescriptors: number | null = null;
  /** Bytes that the server may still write to its data folder; null where the system does not tell. */
  freeBytes: number | null = null;
  /** Of how many that the disk has. */
  diskBytes: number | null = null;

  constructor(clock: Clock, dataDir: string) {
    this.#dataDir = dataDir;
    this.#stop = clock.every(lookMs, () => void this.#look());
    void this.#look();
  }

  stop(): void {
    this.#stop();
  }

  async #look(): Promise<void> {
    // A disk that does not answer is asked once.
    if (this.#isLooking) return;
    this.#isLooking = true;
    const [descriptors, disk] = await Promise.allSettled([stat("/proc/self/fd"), statfs(this.#dataDir)]);
    // Linux from 6.2 on tells their number as the size; to count them would take as long as there are sockets.
    this.openDescriptors =
      descriptors.status === "fulfilled" && descriptors.value.size > 0 ? descriptors.value.size : null;
    this.freeBytes = disk.status === "fulfilled" ? disk.value.bavail * disk.value.bsize : null;
    this.diskBytes = disk.status === "fulfilled" ? disk.value.blocks * disk.value.bsize : null;
    this.#isLooking = false;
  }
}

/** How many descriptors this process may have open (the soft `RLIMIT_NOFILE`); null where there is no limit, or none is told. */
export function descriptorsMax(): number | null {
  const told = softLimit();
  return typeof told === "number" && Number.isFinite(told) ? told : null;
}

function softLimit(): unknown {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
  } catch {
    // Slower, and on every platform.
    const report = process.report.getReport() as { readonly userLimits?: { open_files?: { soft?: unknown } } };
    return report.userLimits?.open_files?.soft;
  }
}

/** How many are open now, at the start, when they are few; a guess where the system does not tell. */
export function descriptorsOpen(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 64;
  }
}
