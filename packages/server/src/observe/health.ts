export type HealthStatus = "starting" | "ready" | "degraded" | "stopping";

/** What `/readyz` says. Degraded: live delivery works, but samples are not being stored. */
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

  report(): { readonly status: HealthStatus; readonly store: string } {
    const status = this.#phase !== "running" ? this.#phase : this.#storeFault === null ? "ready" : "degraded";
    return { status, store: this.#storeFault ?? "ok" };
  }
}
