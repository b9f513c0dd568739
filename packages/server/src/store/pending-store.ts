import type { MessagePort } from "node:worker_threads";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Registration } from "./registration.ts";
import type {
  CoverageQuery,
  EnergyQuery,
  EventsQuery,
  FleetQuery,
  HistoryQuery,
  NewStrike,
  SamplesQuery,
  Store,
  StoreDamage,
  StoredEvent,
  TimelineQuery,
} from "./store.ts";

const retryMs = 1_000;

/**
 * A store that cannot be opened yet: its disk is full, or its database away. It refuses what it is asked, as any store does that fails, and is
 * opened as soon as that can be done.
 */
export class PendingStore implements Store {
  readonly #clock: Clock;
  readonly #open: () => Promise<Store>;
  #store: Store | null = null;
  #fault: Failure;
  #damageListener: ((damage: StoreDamage) => void) | null = null;
  #cancelRetry: CancelTimer = () => {};
  #isClosed = false;

  private constructor(clock: Clock, open: () => Promise<Store>, fault: Failure) {
    this.#clock = clock;
    this.#open = open;
    this.#fault = fault;
  }

  /**
   * Opens a store. Where that cannot be done now (`store_away`), or takes longer than `patienceMs`, gives one that is opened later. Rejects with
   * what waiting does not mend.
   */
  static async open(clock: Clock, open: () => Promise<Store>, patienceMs: number): Promise<Store> {
    const opening = open();
    let cancel: CancelTimer = () => {};
    const late = new Promise<Failure>((resolve) => {
      if (patienceMs === Number.POSITIVE_INFINITY) return;
      cancel = clock.after(patienceMs, () => resolve(new Failure("store_away", "The database has not answered yet.")));
    });
    try {
      const result = await Promise.race([opening, late]);
      if (!(result instanceof Failure)) return result;
      const pending = new PendingStore(clock, open, result);
      pending.#await(opening);
      return pending;
    } catch (error) {
      if (!isAway(error)) throw error;
      const pending = new PendingStore(clock, open, error);
      pending.#tryLater();
      return pending;
    } finally {
      cancel();
    }
  }

  get description(): string {
    return this.#store?.description ?? "a store that is not open yet";
  }

  append(batches: readonly Uint8Array[]): Promise<void> {
    return this.#use((store) => store.append(batches));
  }

  openJournal(registration: Registration, journalId: string, epoch: number) {
    return this.#use((store) => store.openJournal(registration, journalId, epoch));
  }

  latest() {
    return this.#use((store) => store.latest());
  }

  samples(query: SamplesQuery) {
    return this.#use((store) => store.samples(query));
  }

  openReadPort(): MessagePort {
    if (this.#store === null) throw new Failure("store_stopped", this.#fault.message);
    return this.#store.openReadPort();
  }

  points(registration: Registration) {
    return this.#use((store) => store.points(registration));
  }

  history(query: HistoryQuery) {
    return this.#use((store) => store.history(query));
  }

  coverage(query: CoverageQuery) {
    return this.#use((store) => store.coverage(query));
  }

  energy(query: EnergyQuery) {
    return this.#use((store) => store.energy(query));
  }

  timeline(query: TimelineQuery) {
    return this.#use((store) => store.timeline(query));
  }

  fleetTotals(query: FleetQuery) {
    return this.#use((store) => store.fleetTotals(query));
  }

  strike(registration: Registration, made: NewStrike) {
    return this.#use((store) => store.strike(registration, made));
  }

  strikes(registration: Registration) {
    return this.#use((store) => store.strikes(registration));
  }

  unstrike(registration: Registration, number: number) {
    return this.#use((store) => store.unstrike(registration, number));
  }

  recordEvents(events: readonly StoredEvent[]) {
    return this.#use((store) => store.recordEvents(events));
  }

  events(query: EventsQuery) {
    return this.#use((store) => store.events(query));
  }

  info(signal?: AbortSignal) {
    return this.#use((store) => store.info(signal));
  }

  verify(progress: (share: number) => void, signal?: AbortSignal) {
    return this.#use((store) => store.verify(progress, signal));
  }

  repair(progress: (share: number) => void, signal?: AbortSignal) {
    return this.#use((store) => store.repair(progress, signal));
  }

  watchDamage(listener: (damage: StoreDamage) => void): void {
    this.#damageListener = listener;
    this.#store?.watchDamage(listener);
  }

  forget(keys: readonly string[]): void {
    this.#store?.forget(keys);
  }

  backup(path: string, progress: (share: number) => void) {
    return this.#use((store) => store.backup(path, progress));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry();
    await this.#store?.close();
  }

  #use<T>(ask: (store: Store) => Promise<T>): Promise<T> {
    return this.#store === null ? Promise.reject(this.#fault) : ask(this.#store);
  }

  #tryLater(): void {
    if (!this.#isClosed) this.#cancelRetry = this.#clock.after(retryMs, () => this.#await(this.#open()));
  }

  #await(opening: Promise<Store>): void {
    opening.then(
      (store) => {
        if (this.#isClosed) void store.close();
        else {
          this.#store = store;
          if (this.#damageListener !== null) store.watchDamage(this.#damageListener);
        }
      },
      (error: unknown) => {
        // What waiting does not mend is tried again as well: somebody may mend it, and live delivery goes on meanwhile.
        this.#fault = error instanceof Failure ? error : new Failure("store_failed", String(error), error);
        this.#tryLater();
      },
    );
  }
}

function isAway(error: unknown): error is Failure {
  return error instanceof Failure && (error.code === "store_away" || error.code === "disk_full");
}
