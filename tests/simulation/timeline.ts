interface Entry {
  readonly atMs: number;
  /** Told first come, first served among those of one instant. */
  readonly order: number;
  task: (() => void) | null;
}

/** Promises that are settled run on before the next entry; a chain that is longer goes on behind it, as deterministically. */
const microtaskTurns = 12;

/** Virtual time, shared by all machines of a world: a heap of what is to happen, and nothing happens but what stands there. */
export class Timeline {
  nowMs = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** Runs the task at that time; gives what takes it back. */
  at(atMs: number, task: () => void): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, task };
    this.#push(entry);
    return () => {
      entry.task = null;
    };
  }

  after(delayMs: number, task: () => void): () => void {
    return this.at(this.nowMs + delayMs, task);
  }

  /** Lets time pass; `step` is called behind each thing that happens. */
  async run(untilMs: number, step: () => void): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      const { task, atMs } = next;
      if (task === null) continue;
      this.nowMs = atMs;
      task();
      for (let turn = 0; turn < microtaskTurns; turn++) await null;
      step();
    }
    this.nowMs = untilMs;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (isBefore(heap[above] as Entry, entry)) break;
      heap[at] = heap[above] as Entry;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as Entry)) below++;
      if (isBefore(last, heap[below] as Entry)) break;
      heap[at] = heap[below] as Entry;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** A machine's wall clock, which outlives its processes and may be set. */
export class WallClock {
  readonly #timeline: Timeline;
  offsetMs = Date.UTC(2026, 0, 31, 12);

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  get nowMs(): number {
    return this.#timeline.nowMs + this.offsetMs;
  }
}

/**
 * Time as one process sees it: the server's `Clock` and the device SDK's at once. Once the process is killed none of its timers runs, and so
 * nothing that waits for one goes on.
 */
export class ProcessClock {
  readonly #timeline: Timeline;
  readonly #wall: WallClock;
  readonly #startedAtMs: number;
  isAlive = true;

  constructor(timeline: Timeline, wall: WallClock) {
    this.#timeline = timeline;
    this.#wall = wall;
    this.#startedAtMs = timeline.nowMs;
  }

  kill(): void {
    this.isAlive = false;
  }

  /** Whole, as `Date.now()` is. */
  wallMs(): number {
    return Math.floor(this.#wall.nowMs);
  }

  monotonicMs(): number {
    return this.#timeline.nowMs - this.#startedAtMs;
  }

  after(delayMs: number, task: () => void): () => void {
    return this.#timeline.after(Math.max(0, delayMs), () => {
      if (this.isAlive) task();
    });
  }

  every(periodMs: number, task: () => void): () => void {
    let cancel = () => {};
    const next = (): void => {
      cancel = this.after(periodMs, () => {
        next();
        task();
      });
    };
    next();
    return () => cancel();
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  nextTurn(task: () => void): void {
    this.after(0, task);
  }

  // As the SDK names it.

  now(): number {
    return this.wallMs();
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    return this.after(delayMs, run);
  }

  clearTimeout(timer: unknown): void {
    if (typeof timer === "function") timer();
  }
}
