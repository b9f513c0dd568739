type HealthStatus = "starting" | "ready" | "degraded" | "stopping";

interface HealthReport {
  readonly status: HealthStatus;
  readonly store: string;
}

/** What `/readyz` says. Degraded: live delivery works, but samples are not being stored. Why that is names hosts and files, and is not for everybody. */
export class Health {
  #phase: "starting" | "running" | "stopping" = "starting";
  #storeFault: string | null = null;

  started(): void {
    this.#phase = "running";
  }

  stopping(): void {
    this.#phase = "stopping";
  }

  get isStopping(): boolean {
    return this.#phase === "stopping";
  }

  /** Notes the store's fault, or null for none; gives whether that is news. */
  noteStore(fault: string | null): boolean {
    const isNews = (fault === null) !== (this.#storeFault === null);
    this.#storeFault = fault;
    return isNews;
  }

  report({ mayViewFault }: { readonly mayViewFault: boolean }): HealthReport {
    const status = this.#phase !== "running" ? this.#phase : this.#storeFault === null ? "ready" : "degraded";
    if (this.#storeFault === null) return { status, store: "ok" };
    return { status, store: mayViewFault ? this.#storeFault : "failing" };
  }
}
