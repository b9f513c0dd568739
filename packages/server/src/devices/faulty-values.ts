import { type ValueFault, valueFaults } from "@wattboard/protocol";

/** What is wrong with one value of a message. `point` is what the device calls it; `timestamp` for its time. */
export interface FaultyValue {
  readonly point: string;
  readonly fault: ValueFault;
}

/** A point and a fault, since the server started. */
export interface FaultCount extends FaultyValue {
  readonly count: number;
  readonly lastMs: number;
}

interface FaultEntry {
  readonly point: string;
  readonly fault: ValueFault;
  count: number;
  /** Since when it is so without a long pause. */
  sinceMs: number;
  lastMs: number;
  toldMs: number;
}

/** Points and faults that are told apart for one device; what is beyond counts as `other`, since a peer chooses the names. */
const entriesMax = 64;
const nameShownMax = 80;
/** What lasts so long is an event, ms. */
const lastsMs = 60_000;
/** After such a pause it begins anew, ms; and it is an event again after the same time. */
const pauseMs = 60 * 60_000;
/** No measurement at all: an event at once. */
const tellAtOnce: ReadonlySet<ValueFault> = new Set(["beyond_belief", "not_available"]);

/** Counts what was left out of one device's messages, and what was kept and marked, by point and fault. */
export class FaultyValues {
  readonly #entries = new Map<string, FaultEntry>();

  /** Gives those that are to be told as an event now: what is left out and lasts, each once an hour. */
  note(values: readonly FaultyValue[], nowMs: number): FaultCount[] {
    const due: FaultEntry[] = [];
    for (const { point, fault } of values) {
      const entry = this.#entryOf(point, fault, nowMs);
      entry.count++;
      if (nowMs - entry.lastMs > pauseMs) entry.sinceMs = nowMs;
      entry.lastMs = nowMs;
      const lasts = nowMs - entry.sinceMs >= lastsMs || tellAtOnce.has(fault);
      if (!lasts || valueFaults[fault].isKept || nowMs - entry.toldMs < pauseMs) continue;
      entry.toldMs = nowMs;
      due.push(entry);
    }
    return due;
  }

  get counts(): readonly FaultCount[] {
    return [...this.#entries.values()];
  }

  #entryOf(point: string, fault: ValueFault, nowMs: number): FaultEntry {
    const name = point.length > nameShownMax ? `${point.slice(0, nameShownMax)}…` : point;
    const shown = this.#entries.has(`${fault} ${name}`) || this.#entries.size < entriesMax ? name : "other";
    const key = `${fault} ${shown}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { point: shown, fault, count: 0, sinceMs: nowMs, lastMs: nowMs, toldMs: Number.NEGATIVE_INFINITY };
      this.#entries.set(key, entry);
    }
    return entry;
  }
}
