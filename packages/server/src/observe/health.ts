import { Failure, type FailureCode } from "../base/failure.ts";

export type HealthStatus = "starting" | "ready" | "degraded" | "stopping";

/** What may be told to anybody of why samples are not stored: no path, no host, no name. The log has the rest. */
const publicFaults: Partial<Record<FailureCode, string>> = {
  data_dir_gone: "the data folder is not where it was",
  disk_full: "the disk is full",
  store_away: "the store cannot be opened yet",
  store_locked: "the store's file is locked by another program",
  store_busy: "the store does not answer",
};

export function publicFault(error: unknown): string {
  const known = error instanceof Failure ? publicFaults[error.code] : undefined;
  return known ?? "the store does not take samples; the log says why";
}

/** What `/readyz` says. Degraded: live delivery works, but samples are not being stored. */
export class Health {
  #phase: "starting" | "running" | "stopping" = "starting";
  #storeFault: string | null = null;
  #folderFault: string | null = null;

  started(): void {
    this.#phase = "running";
  }

  stopping(): void {
    this.#phase = "stopping";
  }

  get isStopping(): boolean {
    return this.#phase === "stopping";
  }

  /** Notes the store's fault, in words that anybody may read, or null for none; gives whether that is news. */
  noteStore(fault: string | null): boolean {
    const isNews = (fault === null) !== (this.#storeFault === null);
    this.#storeFault = fault;
    return isNews;
  }

  /** Notes whether the data folder is not where it was. */
  noteFolder(isGone: boolean): void {
    this.#folderFault = isGone ? (publicFaults.data_dir_gone ?? null) : null;
  }

  report(): { readonly status: HealthStatus; readonly store: string } {
    const fault = this.#folderFault ?? this.#storeFault;
    const status = this.#phase !== "running" ? this.#phase : fault === null ? "ready" : "degraded";
    return { status, store: fault ?? "ok" };
  }
}
