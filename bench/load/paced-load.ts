/** How fast a load is sent, and how long its deliveries took: as fast as they come, or at a pace. The devices take turns. */
export abstract class PacedLoad {
  #mode: "idle" | "ceiling" | "paced" = "idle";
  #latenciesMs: number[] = [];

  protected abstract get deviceCount(): number;
  /** Sends one message of the device whose turn it is, the n-th one since `startPaced`. */
  protected abstract sendNext(nth: number): void;
  /** Sends what the window has room for. */
  protected abstract fill(): void;

  /** Sends as fast as it is delivered, until `stop`. */
  startCeiling(): void {
    this.#mode = "ceiling";
    this.fill();
  }

  /**
   * Sends `perSecond` messages a second in all, whatever comes back; until `stop`. By default it takes all of the core for being on time; with
   * `sharesCore` it looks once a millisecond.
   */
  startPaced(perSecond: number, { sharesCore = false }: { readonly sharesCore?: boolean } = {}): void {
    this.#mode = "paced";
    this.#latenciesMs = [];
    const startedAtMs = performance.now();
    let sent = 0;
    const pace = (): void => {
      if (this.#mode !== "paced") return;
      const due = Math.floor(((performance.now() - startedAtMs) / 1_000) * perSecond);
      // Not more than one of each device in a turn, so that what comes in is looked at in between.
      for (let i = 0; i < this.deviceCount && sent < due; i++) this.sendNext(sent++);
      // Where the load generator has a core to itself it polls, because timers come a millisecond late.
      if (sharesCore) setTimeout(pace, 1);
      else setImmediate(pace);
    };
    pace();
  }

  stop(): void {
    this.#mode = "idle";
  }

  /** From the device's write until a reader has it, of every delivery since `startPaced`. */
  takeLatenciesMs(): number[] {
    const taken = this.#latenciesMs;
    this.#latenciesMs = [];
    return taken;
  }

  /** While the ceiling is sought, deliveries make room for more, and their latency says nothing. */
  protected get isCeiling(): boolean {
    return this.#mode === "ceiling";
  }

  protected noteLatency(ms: number): void {
    this.#latenciesMs.push(ms);
  }
}
