import type { MessagePort } from "node:worker_threads";
import type { SeqRange } from "@wattboard/protocol";
import type { Energy } from "./algebra/energy.ts";
import type { PointKind, PointValue } from "./algebra/point-value.ts";
import type { Registration } from "./registration.ts";

/**
 * The port of the cold lane, by what is done with it. An adapter keeps samples for as long as its retention says; what it has committed it never loses. Live
 * delivery does not wait for it. Ranges are half open: `fromMs <= t < toMs`, milliseconds since 1970 UTC, by measured time. Samples are in
 * the order of (measured time, epoch, seq), and each, told by (registration, epoch, seq), is there once. What is asked is asked of registrations, and
 * nothing of another is in the answer, also where both were of the same device id (`registration.ts`).
 *
 * A question may be aborted by its signal, and then rejects with the signal's reason; the adapter stops working on it. A question that
 * cannot be taken now, since too many wait, rejects with the `Failure` `store_busy`.
 */
export interface Store extends StoreWriter, StoreReader, StoreStrikes, StoreEvents, StoreMaintenance {
  /** The newest sample of every registration that the store knows, by measured time, as it was received. */
  latest(): Promise<StoredSample[]>;
  /**
   * A port over which another thread asks (`PortReader`), past the event loop: exports and all large answers go this way. It is used up when
   * that thread ends or closes it. Throws a `Failure` (`store_stopped`) where there is nobody to answer.
   */
  openReadPort(): MessagePort;
  /** Waits for what was appended, then lets go of everything. */
  close(): Promise<void>;
}

/** Takes samples. */
export interface StoreWriter {
  /**
   * Stores batches of records (see `sample-record.ts`), all or nothing. Resolves when they are durable: this is the ack point. Rejects with a
   * `Failure` otherwise; the same samples may then be offered again, even where only the answer was lost. The batches are read before this
   * returns. The ranges of journals grow in the same commit, by what is numbered in the batches.
   */
  append(batches: readonly Uint8Array[]): Promise<void>;
  /**
   * What is stored of a device's journal. One that is not known yet gets `epoch`, or the next that is free above all that are remembered: the clock that
   * epochs are made of may have been set back. Of a registration's the `limits.journalsPerDevice` that were opened last are remembered.
   */
  openJournal(registration: Registration, journalId: string, epoch: number): Promise<StoredJournal>;
}

export interface StoredJournal {
  /** The number that stands for it in records, for ever. */
  readonly epoch: number;
  /** Which of its numbers are durable, ascending. */
  readonly ranges: readonly SeqRange[];
}

/** Answers questions about samples, from whatever thread it is in. */
export interface StoreReader {
  /**
   * Samples, oldest first: from the start of the range (`take: "first"`) or from its end, at most `limit` and none behind the one with which
   * `bytesMax` is reached (`page-bytes.ts`).
   */
  samples(query: SamplesQuery): Promise<PointSample[]>;
  /** The points that a registration's device has sent, in the order in which they first came. */
  points(registration: Registration): Promise<PointInfo[]>;
  /** Points over time, in buckets. */
  history(query: HistoryQuery): Promise<History>;
  /** How much of each bucket was measured. */
  coverage(query: CoverageQuery): Promise<CoverageSpans>;
  /** Energy in each of the spans between the given instants. */
  energy(query: EnergyQuery): Promise<EnergyHistory>;
  /** When a point (its state, its mode) had which value. */
  timeline(query: TimelineQuery): Promise<Timeline>;
  /** A point's mean in each bucket, summed over registrations. */
  fleetTotals(query: FleetQuery): Promise<FleetSeries>;
}

/** Strikes wrong values out: in whatever is answered from then on they are null, in sums and charts as well. */
export interface StoreStrikes {
  /** What was kept is kept, and `unstrike` has it back. What the registration did not send itself is not reached. */
  strike(registration: Registration, made: NewStrike): Promise<Strike>;
  /** What is struck out of the registration's past, oldest strike first. */
  strikes(registration: Registration): Promise<Strike[]>;
  /** Undoes a strike; null where the registration has none of that number. */
  unstrike(registration: Registration, number: number): Promise<Strike | null>;
}

export interface StoreEvents {
  /** Keeps events; the newest 100,000 stay. */
  recordEvents(events: readonly StoredEvent[]): Promise<void>;
  /** Newest first. */
  events(query: EventsQuery): Promise<NumberedEvent[]>;
}

/** What keeps a store sound, and tells of it. */
export interface StoreMaintenance {
  /** What it is, and what it cannot do here, for people: `PostgreSQL 15.14 without TimescaleDB: no compression, …` */
  readonly description: string;
  /** What is kept. */
  info(signal?: AbortSignal): Promise<StoreInfo>;
  /** Reads everything, and says what is damaged. `progress` is called with the share done, 0 to 1. */
  verify(progress: (share: number) => void, signal?: AbortSignal): Promise<Verified>;
  /**
   * Makes anew what can be made from the rest, and drops what cannot be read. Gives what was done, in words; nothing where all was well. Rejects
   * with the `Failure` `not_supported` where the database's own tools must be used.
   */
  repair(progress: (share: number) => void, signal?: AbortSignal): Promise<string[]>;
  /** Has the listener told what is met that cannot be read, once for each place, and what was met so far. */
  watchDamage(listener: (damage: StoreDamage) => void): void;
  /** These registrations have ended: what is stored of them stays, but need not be at hand. What is asked of one, or comes from it, brings it back. */
  forget(keys: readonly string[]): void;
  /**
   * Writes a consistent copy to a new file at `path` while the store goes on. Rejects with the `Failure` `not_supported` where the
   * database's own tools must be used; its message says which.
   */
  backup(path: string, progress: (share: number) => void): Promise<void>;
}

/** Something stored that cannot be read any more. Answers are made without it: it is missing from them, and from what they say is covered. */
export interface StoreDamage {
  /** Of which registration it was; null where that cannot be told, or it is nobody's. */
  readonly key: string | null;
  /** The span of which samples may be missing; null where it cannot be told, or none are. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly message: string;
}

export interface Verified {
  /** What is damaged, in words; at most 100 of them. */
  readonly faults: readonly string[];
  /** Rows from before there were checksums: that they are right cannot be told. */
  readonly unchecked: number;
}

/** How far what is made anew in the background has come. */
export interface StoreRenewal {
  readonly done: number;
  readonly total: number;
}

/** Told what goes wrong beside the answers, in words, as often as it is tried: the thread has ended, what is due for upkeep cannot be done. */
export type StoreComplaint = (what: string) => void;

export interface StoredSample {
  /** Of which registration. */
  readonly key: string;
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly clock: "device" | "server";
  readonly epoch: number;
  readonly seq: number;
  /** The message as the device sent it, UTF-8. */
  readonly message: Uint8Array;
}

/** Tells a sample among those of its registration, and its place in their order. */
export interface SampleKey {
  readonly observedAtMs: number;
  readonly epoch: number;
  readonly seq: number;
}

/** A sample by its points. Numbers are exactly the ones that the device sent. */
export interface PointSample extends SampleKey {
  readonly receivedAtMs: number;
  readonly clock: "device" | "server";
  /** The time that the device told, ms; the same as `observedAtMs` where `clock` is `device`. */
  readonly deviceTimeMs: number;
  readonly points: Readonly<Record<string, PointValue>>;
}

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface RegistrationRange extends Range {
  readonly registration: Registration;
}

export interface SamplesQuery extends RegistrationRange {
  /** Only these points; absent: all. */
  readonly points?: readonly string[] | undefined;
  readonly take: "first" | "last";
  readonly limit: number;
  /** Bytes as JSON, about; absent: unbounded. There is always one sample, however large. */
  readonly bytesMax?: number | undefined;
  /** Only samples behind this one (`take: "first"`) or before it (`take: "last"`): the next page. */
  readonly beyond?: SampleKey | undefined;
}

export interface PointInfo {
  readonly name: string;
  /** What it has held so far. */
  readonly kinds: readonly PointKind[];
}

/** When something is expected of a device. */
export interface ExpectedTime {
  /** When it was registered; absent: nobody knows. What it sent before is expected too, from the first sample on. */
  readonly registeredMs?: number | undefined;
  /** Now; absent: what is asked for is over. */
  readonly nowMs?: number | undefined;
}

export interface CoverageQuery extends RegistrationRange, ExpectedTime {
  /**
   * Width of a bucket, ms; the first begins at `fromMs`, the last one ends at `toMs` at the latest. From 15 minutes on, width and `fromMs`
   * are multiples of them (`window.ts`).
   */
  readonly bucketMs: number;
}

export interface HistoryQuery extends CoverageQuery {
  readonly points: readonly string[];
}

/** How much of what is expected of a range was measured, by the one rule for it (`algebra/steps.ts`), and what is missing. */
export interface Coverage {
  /** The time in steps that are covered, ms. */
  readonly coveredMs: number;
  /** The time in which something is expected, ms: from the device's registration or first sample on, until now. */
  readonly expectedMs: number;
  /** From when on something is expected in the range; null where nothing is. */
  readonly expectedFromMs: number | null;
  /** The rest of what is expected: the longest first, at most 100 of them. */
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** The coverage of each part of a range, and of the whole. */
export interface CoverageSpans {
  /** As of {@link Coverage}, an entry a part. */
  readonly coveredMs: readonly number[];
  readonly expectedMs: readonly number[];
  readonly total: Coverage;
}

/** A column a figure, an entry a bucket. */
export interface History extends CoverageSpans {
  readonly fromMs: number;
  readonly bucketMs: number;
  readonly samples: readonly number[];
  readonly points: Readonly<Record<string, PointHistory>>;
}

/** Null where a bucket has no number of the point. */
export interface PointHistory {
  readonly min: readonly (number | null)[];
  readonly avg: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}

export interface EnergyQuery extends ExpectedTime {
  readonly registration: Registration;
  /** Edges of the spans, growing, each a multiple of 15 minutes: `n + 1` edges make `n` spans. */
  readonly edgesMs: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

interface EnergySpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly energy: Energy;
  readonly coveredMs: number;
  readonly expectedMs: number;
}

export interface EnergyHistory {
  readonly spans: readonly EnergySpan[];
  readonly total: Coverage;
}

export interface TimelineQuery extends RegistrationRange {
  /** Now, ms; absent: what is asked for is over. */
  readonly nowMs?: number | undefined;
  readonly point: string;
  readonly limit: number;
  /** Bytes of all runs as JSON, about; absent: unbounded. There is always one run, however large. */
  readonly bytesMax?: number | undefined;
}

export interface Timeline {
  /** From the first sample with the value to the first with another, or to the last one before a gap; the last one to the range's end where no gap is. */
  readonly runs: readonly TimelineRun[];
  /** True where there were more runs than the bounds allow; the later ones are left out. */
  readonly truncated: boolean;
}

export interface TimelineRun {
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: PointValue;
}

export interface FleetQuery extends Range {
  readonly registrations: readonly Registration[];
  readonly point: string;
  readonly bucketMs: number;
}

export interface FleetSeries {
  readonly fromMs: number;
  readonly bucketMs: number;
  /** The sum, over the registrations that have the point in a bucket, of their means there; null where none has. */
  readonly sum: readonly (number | null)[];
  /** How many devices that were. */
  readonly devices: readonly number[];
}

/** Values that are wrong, and count for nothing: of one registration, in a range, all points or some. */
export interface NewStrike {
  readonly fromMs: number;
  readonly toMs: number;
  /** Null: all. */
  readonly points: readonly string[] | null;
  readonly atMs: number;
  /** Who did it, in words. */
  readonly by: string;
}

export interface Strike extends NewStrike {
  /** Grows with every strike. */
  readonly number: number;
}

export interface StoredEvent {
  readonly atMs: number;
  readonly kind: string;
  /** Of which registration; null: of the server as a whole. */
  readonly key: string | null;
  readonly message: string;
}

export interface NumberedEvent extends StoredEvent {
  /** Grows with every event. */
  readonly number: number;
}

export interface EventsQuery {
  readonly limit: number;
  /** Only events with a smaller number: the next page. */
  readonly before?: number | undefined;
  /** Only events of these registrations; those of the server as a whole are of none. */
  readonly keys?: readonly string[] | undefined;
  readonly kind?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface StoreInfo {
  readonly devices: number;
  readonly samples: number;
  /** On disk, all included. */
  readonly bytes: number;
  /** Of the oldest sample and the newest. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Spans without samples between a device's first sample and its last, longer than 15 minutes: how many, and how long together. */
  readonly gaps: { readonly count: number; readonly ms: number };
  /** Samples older than this are deleted, ms; 0: kept for ever. */
  readonly retentionMs: number;
  /** The share of the summaries that were made anew since their rule was changed, 0 to 1; until it is 1, older ones say what the rule of before did. */
  readonly renewedShare: number;
}
