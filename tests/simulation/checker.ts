import { limits, SeqRanges, type Welcome } from "@wattboard/protocol";
import type { RecordReader } from "../../packages/server/dist/store/sample-record.js";

/** A sample that a device's journal has taken. Its value is a number that the world gives once. */
interface Accepted {
  readonly deviceId: string;
  readonly journalId: string;
  readonly seq: number;
  readonly value: number;
  readonly measuredAtMs: number;
  /** The device has lost it in a crash, and could not declare it. */
  isLost: boolean;
}

/** What the store has committed under an epoch. */
interface Committed {
  readonly all: SeqRanges;
  /** By number; what is not in here was taken without a sample. */
  readonly values: Map<number, number>;
  /** Numbers of which the server does not know that they are committed: they may be offered once more. */
  readonly unanswered: Set<number>;
}

/** What the server has told a device of a journal. */
interface Told {
  readonly epoch: number;
  readonly durable: SeqRanges;
}

type Ranges = readonly (readonly [number, number])[];

/** Something that must hold does not. */
export class Violation extends Error {}

/** Knows what devices have taken, what is committed, what was acknowledged and declared, and holds them against each other at each step. */
export class Checker {
  readonly #accepted = new Map<number, Accepted>();
  readonly #valueBySeq = new Map<string, Map<number, number>>();
  #committed = new Map<number, Committed>();
  #told = new Map<string, Told>();
  readonly #declared = new Map<string, SeqRanges>();
  readonly #newestShown = new Map<string, number>();
  #saved: { readonly committed: Map<number, Committed> } | null = null;
  shownCount = 0;
  acceptedCount = 0;
  committedCount = 0;
  declaredCount = 0;

  accepted(sample: Omit<Accepted, "isLost">): void {
    const { journalId, seq, value } = sample;
    const values = this.#valueBySeq.get(journalId) ?? new Map<number, number>();
    this.#valueBySeq.set(journalId, values);
    if (values.has(seq)) throw new Violation(`${journalId} has given the number ${seq} twice.`);
    values.set(seq, value);
    this.acceptedCount++;
    this.#accepted.set(value, { ...sample, isLost: false });
  }

  /** A crash has taken these from their device. */
  lost(journalId: string, seqs: Iterable<number>): void {
    for (const seq of seqs) {
      const sample = this.#accepted.get(this.#valueBySeq.get(journalId)?.get(seq) ?? 0);
      if (sample !== undefined) sample.isLost = true;
    }
  }

  /** All of a journal is gone. */
  wiped(journalId: string): void {
    this.lost(journalId, this.#valueBySeq.get(journalId)?.keys() ?? []);
  }

  committed(record: RecordReader, isAnswered: boolean): void {
    if (!record.isNumbered) return;
    const { epoch, seq, toSeq } = record;
    const committed = this.#committed.get(epoch) ?? { all: new SeqRanges(), values: new Map(), unanswered: new Set() };
    this.#committed.set(epoch, committed);
    for (let each = seq; each <= toSeq; each++) {
      const isKnown = committed.all.has(each);
      if (isKnown && !committed.unanswered.has(each)) {
        throw new Violation(`${each} of epoch ${epoch} is handed to the store again, though it is stored.`);
      }
      if (isAnswered) committed.unanswered.delete(each);
      else committed.unanswered.add(each);
    }
    committed.all.add(seq, toSeq);
    if (record.isPassed) return;
    this.committedCount++;
    const value = sampleValue(record.bytes.toString("utf8", record.messageAt, record.end));
    const sample = this.#accepted.get(value);
    if (sample === undefined || sample.seq !== seq || sample.deviceId !== record.key) {
      throw new Violation(`${record.key} did not number ${value} as ${seq}.`);
    }
    committed.values.set(seq, value);
  }

  /** The server begins anew: what it offered and heard no answer of it will not offer again. */
  serverStarted(): void {
    for (const { unanswered } of this.#committed.values()) unanswered.clear();
  }

  /** The server says to a device what is durable, at the moment at which it is sent. `journalId` is null in an ack. */
  tells(
    deviceId: string,
    journalId: string,
    isWelcome: boolean,
    frame: Omit<Partial<Welcome>, "type"> & { readonly seq?: number },
  ): void {
    const ranges: Ranges = (isWelcome ? frame.durable_ranges : (frame as { ranges?: Ranges }).ranges) ?? [];
    const through = (isWelcome ? frame.durable_seq : frame.seq) ?? 0;
    const before = this.#told.get(journalId);
    const epoch = isWelcome ? (frame.epoch ?? 0) : (before?.epoch ?? 0);
    if (ranges.length > limits.durableRangesMax) throw new Violation(`${deviceId} is told ${ranges.length} ranges.`);
    const durable = new SeqRanges([...(through > 0 ? [[1, through] as const] : []), ...ranges]);
    for (const [from, to] of durable.toJSON()) {
      const [missing] = this.#committed.get(epoch)?.all.missing(from, to) ?? [[from, to]];
      if (missing !== undefined) {
        throw new Violation(
          `${deviceId} is told that ${missing.join(" to ")} of ${journalId} are stored, which is not so.`,
        );
      }
    }
    for (const [from, to] of before?.epoch === epoch ? before.durable.toJSON() : []) {
      const [missing] = durable.missing(from, to);
      if (missing !== undefined && isWelcome) {
        throw new Violation(`${deviceId} is no longer told that ${missing.join(" to ")} of ${journalId} are stored.`);
      }
    }
    if (before !== undefined && before.epoch !== epoch && before.durable.size > 0) {
      throw new Violation(`${journalId} has got another epoch, though the store remembers it.`);
    }
    this.#told.set(journalId, { epoch, durable });
  }

  /** The device says that these will not come. */
  declares(journalId: string, from: number, to: number): void {
    if (to < from) return;
    const ranges = this.#declared.get(journalId) ?? new SeqRanges();
    this.#declared.set(journalId, ranges);
    ranges.add(from, to);
    this.declaredCount++;
  }

  /** A dashboard is shown a sample. */
  shown(deviceId: string, message: string): void {
    const value = sampleValue(message);
    const newest = this.#newestShown.get(deviceId) ?? 0;
    if (value <= newest) throw new Violation(`Dashboards of ${deviceId} are shown ${value} behind ${newest}.`);
    this.#newestShown.set(deviceId, value);
    this.shownCount++;
  }

  backedUp(): void {
    this.#saved = { committed: copyOf(this.#committed) };
  }

  /** The store is as it was at the backup. */
  restored(): void {
    this.#committed = copyOf(this.#saved?.committed ?? new Map());
    this.#told = new Map();
  }

  /** The samples of a journal that are neither stored nor declared as lost. */
  unsettled(journalId: string, epochs: readonly number[]): number[] {
    const stored = epochs.map((epoch) => this.#committed.get(epoch)).filter((each) => each !== undefined);
    const declared = this.#declared.get(journalId);
    const found: number[] = [];
    for (const [seq, value] of this.#valueBySeq.get(journalId) ?? []) {
      if (stored.some(({ values }) => values.get(seq) === value)) continue;
      const isDeclared = declared?.has(seq) && stored.some(({ all }) => all.has(seq));
      if (!isDeclared && !this.#accepted.get(value)?.isLost) found.push(seq);
    }
    return found;
  }

  get journalIds(): string[] {
    return [...this.#valueBySeq.keys()];
  }

  /** What the store answers of a device, oldest first, against what it has committed and the device has measured. */
  reads(
    deviceId: string,
    samples: readonly {
      readonly epoch: number;
      readonly seq: number;
      readonly value: number;
      readonly observedAtMs: number;
    }[],
    timeToleranceMs: number,
  ): void {
    const seen = new Set<number>();
    let [newest, newestAtMs] = [0, 0];
    for (const { epoch, seq, value, observedAtMs } of samples) {
      if (seen.has(value)) throw new Violation(`${value} of ${deviceId} is stored twice.`);
      seen.add(value);
      const sample = this.#accepted.get(value);
      if (sample === undefined) continue;
      if (timeToleranceMs === Number.POSITIVE_INFINITY) continue;
      // Two clones may measure within a millisecond.
      if (value < newest && observedAtMs > newestAtMs) {
        throw new Violation(`${value} of ${deviceId} stands behind ${newest}.`);
      }
      [newest, newestAtMs] = [value, observedAtMs];
      if (Math.abs(sample.measuredAtMs - observedAtMs) > timeToleranceMs) {
        throw new Violation(
          `${value} of ${deviceId} (${epoch}, ${seq}) is filed ${observedAtMs - sample.measuredAtMs} ms off.`,
        );
      }
    }
    for (const { values } of this.#committed.values()) {
      for (const value of values.values()) {
        const isMissing = this.#accepted.get(value)?.deviceId === deviceId && !seen.has(value);
        if (isMissing) throw new Violation(`${value} of ${deviceId} was committed, and cannot be read.`);
      }
    }
  }
}

function copyOf(committed: ReadonlyMap<number, Committed>): Map<number, Committed> {
  const copies = [...committed].map(([epoch, { all, values }]): [number, Committed] => [
    epoch,
    { all: new SeqRanges(all.toJSON()), values: new Map(values), unanswered: new Set() },
  ]);
  return new Map(copies);
}

/** The number that the world has given the sample. */
export function sampleValue(message: string): number {
  return Number(/"value":(\d+)/.exec(message)?.[1] ?? 0);
}
