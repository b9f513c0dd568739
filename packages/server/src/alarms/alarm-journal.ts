import type { CancelTimer, Clock } from "../base/clock.ts";
import type { AlarmRow, AlarmStore } from "./alarm-store.ts";

/** Told how the disk does, for the log. */
export interface AlarmJournalObserver {
  failed(error: unknown): void;
  recovered(): void;
}

interface WaitingToTell {
  /** The last row that has to be stored before. */
  readonly order: number;
  readonly tell: () => void;
}

const retryMs = 1_000;
/** Rows in one commit; the rest goes with the next. To hand them to the thread takes a few milliseconds. */
const rowsPerCommit = 500;

/**
 * Writes what becomes of alarms to the store, and lets it be told when it is safe there. Of what waits only the newest state of each row is kept, so
 * that it is bounded by what is held in memory, however long the disk is away. Alarms ring also then: what the disk refuses is told all the same, and
 * offered again and again.
 */
export class AlarmJournal {
  readonly #store: Pick<AlarmStore, "commit">;
  readonly #clock: Clock;
  readonly #observer: AlarmJournalObserver;
  readonly #rows = new Map<string, { readonly row: AlarmRow; readonly order: number }>();
  #waiting: WaitingToTell[] = [];
  #order = 0;
  #isWriting = false;
  #isFailing = false;
  #isEnded = false;
  #cancelRetry: CancelTimer | null = null;
  #onSettled: (() => void)[] = [];

  constructor(store: Pick<AlarmStore, "commit">, clock: Clock, observer: AlarmJournalObserver) {
    this.#store = store;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** True while the store refuses what it is given. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  get waitingCount(): number {
    return this.#rows.size;
  }

  /** Has the row written with the next `flush`; in the place of an older state of it that waits. */
  save(row: AlarmRow): void {
    const key = rowKey(row);
    this.#rows.delete(key);
    this.#rows.set(key, { row, order: ++this.#order });
  }

  /** Has this done when all that was saved before is stored, or when the disk has refused it. */
  tell(task: () => void): void {
    this.#waiting.push({ order: this.#order, tell: task });
  }

  /** Writes what waits, unless that goes on already. */
  flush(): void {
    if (this.#isWriting || this.#cancelRetry !== null || this.#isEnded) return;
    if (this.#rows.size === 0) {
      this.#settle(Number.POSITIVE_INFINITY);
      return;
    }
    const batch = [...this.#rows].slice(0, rowsPerCommit);
    for (const [key] of batch) this.#rows.delete(key);
    this.#isWriting = true;
    this.#store.commit(batch.map(([, { row }]) => row)).then(
      () => this.#stored(),
      (error: unknown) => this.#refused(batch, error),
    );
  }

  /** Resolves when all that was saved is stored, or refused; false where it was refused. */
  async settled(): Promise<boolean> {
    await new Promise<void>((resolve) => {
      this.#onSettled.push(resolve);
      this.flush();
      if (this.#cancelRetry !== null) this.#settle(Number.POSITIVE_INFINITY);
    });
    return !this.#isFailing;
  }

  /** The end: false where the store did not take it all within `graceMs`. */
  async drain(graceMs: number): Promise<boolean> {
    this.#endRetry();
    const isStored = await new Promise<boolean>((resolve) => {
      const cancel = this.#clock.after(graceMs, () => resolve(false));
      this.settled().then((stored) => {
        cancel();
        resolve(stored);
      });
    });
    this.#isEnded = true;
    this.#endRetry();
    return isStored;
  }

  #endRetry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #stored(): void {
    this.#isWriting = false;
    if (this.#isFailing) {
      this.#isFailing = false;
      this.#observer.recovered();
    }
    const [first] = this.#rows.values();
    this.#settle(first === undefined ? Number.POSITIVE_INFINITY : first.order - 1);
    if (this.#rows.size > 0) this.flush();
  }

  #refused(batch: readonly [string, { readonly row: AlarmRow; readonly order: number }][], error: unknown): void {
    this.#isWriting = false;
    this.#isFailing = true;
    this.#observer.failed(error);
    const newer = [...this.#rows];
    this.#rows.clear();
    for (const [key, saved] of [...batch, ...newer]) this.#rows.set(key, saved);
    if (!this.#isEnded) {
      this.#cancelRetry = this.#clock.after(retryMs, () => {
        this.#cancelRetry = null;
        this.flush();
      });
    }
    this.#settle(Number.POSITIVE_INFINITY);
  }

  /** Tells what is stored up to here; with all told, whoever waits for that as well. */
  #settle(order: number): void {
    const due = this.#waiting.filter((each) => each.order <= order);
    this.#waiting = this.#waiting.filter((each) => each.order > order);
    for (const { tell } of due) tell();
    if (order !== Number.POSITIVE_INFINITY) return;
    const settled = this.#onSettled;
    this.#onSettled = [];
    for (const resolve of settled) resolve();
  }
}

function rowKey(row: AlarmRow): string {
  switch (row.table) {
    case "alarm":
      return `alarm ${row.record.number}`;
    case "member":
      return `member ${row.number} ${row.member.key}`;
    case "rule":
      return `rule ${row.ruleId}`;
    case "onset":
      return `onset ${row.ruleId} ${row.key}`;
    case "usual_step":
      return `usual_step ${row.key}`;
  }
}
