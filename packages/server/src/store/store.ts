import type { MessagePort } from "node:worker_threads";
import type { Energy } from "./algebra/energy.ts";
import type { PointKind, PointValue } from "./algebra/point-value.ts";

/**
 * The port of the cold lane. An adapter keeps samples for as long as its retention says; what it has committed it never loses. Live
 * delivery does not wait for it. Ranges are half open: `fromMs <= t < toMs`, milliseconds since 1970 UTC, by measured time. Samples are in
 * the order of (measured time, epoch, seq), and each, told by (device, epoch, seq), is there once.
 *
 * A question may be aborted by its signal, and then rejects with the signal's reason; the adapter stops working on it. A question that
 * cannot be taken now, since too many wait, rejects with the `Failure` `store_busy`.
 */
export interface Store {
  /** What it is, and what it cannot do here, for people: `PostgreSQL 15.14 without TimescaleDB: no compression, …` */
  readonly description: string;
  /**
   * Stores batches of records (see `sample-record.ts`), all or nothing. Resolves when they are durable: this is the ack point. Rejects with a
   * `Failure` otherwise; the same samples may then be offered again, even where only the answer was lost. The batches are read before this
   * returns.
   */
  append(batches: readonly Uint8Array[]): Promise<void>;
  /** The newest sample of every device that the store knows, by measured time, as it was received. */
  latest(): Promise<StoredSample[]>;
  /**
   * One device's samples, oldest first: from the start of the range (`take: "first"`) or from its end, at most `limit` and none behind the one
   * with which `bytesMax` is reached (`page-bytes.ts`).
   */
  samples(query: SamplesQuery): Promise<PointSample[]>;
  /**
   * A port over which another thread asks (`PortReader`), past the event loop: exports and all large answers go this way. It is used up when
   * that thread ends or closes it. Throws a `Failure` (`store_stopped`) where there is nobody to answer.
   */
  openReadPort(): MessagePort;
  /** The points that a device has sent, in the order in which they first came. */
  points(deviceId: string): Promise<PointInfo[]>;
  /** One device's points over time, in buckets. */
  history(query: HistoryQuery): Promise<History>;
  /** One device's energy in each of the spans between the given instants. */
  energy(query: EnergyQuery): Promise<EnergySpan[]>;
  /** When one device's point (its state, its mode) had which value. */
  timeline(query: TimelineQuery): Promise<Timeline>;
  /** A point's mean in each bucket, summed over devices. */
  fleetTotals(query: FleetQuery): Promise<FleetTotals>;
  /**
   * Strikes values out: in whatever is answered from now on they are null, in sums and charts as well. What was kept is kept, and `unstrike` has it back.
   */
  strike(strike: NewStrike): Promise<Strike>;
  /** What is struck out of one device's past, oldest strike first. */
  strikes(deviceId: string): Promise<Strike[]>;
  /** Undoes a strike; null where the device has none of that number. */
  unstrike(deviceId: string, number: number): Promise<Strike | null>;
  /** Keeps events; the newest 100,000 stay. */
  recordEvents(events: readonly StoredEvent[]): Promise<void>;
  /** Newest first. */
  events(query: EventsQuery): Promise<NumberedEvent[]>;
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
  /** The devices were removed: what is stored of them stays, but need not be at hand. What is asked of one, or comes from it, brings it back. */
  forget(deviceIds: readonly string[]): void;
  /**
   * Writes a consistent copy to a new file at `path` while the store goes on. Rejects with the `Failure` `not_supported` where the
   * database's own tools must be used; its message says which.
   */
  backup(path: string, progress: (share: number) => void): Promise<void>;
  /** Waits for what was appended, then lets go of everything. */
  close(): Promise<void>;
}

/** Something stored that cannot be read any more. Answers are made without it: it is missing from them, and from what they say is covered. */
export interface StoreDamage {
  /** Whose it was; null where that cannot be told, or it is nobody's. */
  readonly deviceId: string | null;
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

/** Told what goes wrong beside the answers, in words, as often as it is tried: the thread has ended, what is due for upkeep cannot be done. */
export type StoreComplaint = (what: string) => void;

export interface StoredSample {
  readonly deviceId: string;
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly clock: "device" | "server";
  readonly epoch: number;
  readonly seq: number;
  /** The message as the device sent it, UTF-8. */
  readonly message: Uint8Array;
}

/** Tells a sample among those of its device, and its place in their order. */
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

interface DeviceRange extends Range {
  readonly deviceId: string;
}

export interface SamplesQuery extends DeviceRange {
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

export interface HistoryQuery extends DeviceRange {
  readonly points: readonly string[];
  /**
   * Width of a bucket, ms; the first begins at `fromMs`, the last one ends at `toMs` at the latest. From 15 minutes on, width and `fromMs`
   * are multiples of them (`window.ts`).
   */
  readonly bucketMs: number;
}

/** A share of a span, and what is missing from it. */
export interface Coverage {
  /** The share of the expected samples that is there, 0 to 1. */
  readonly share: number;
  /** Spans without samples, of more than 30 seconds, the longest first, at most 100 of them. */
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** A column a figure, an entry a bucket. */
export interface History {
  readonly fromMs: number;
  readonly bucketMs: number;
  readonly samples: readonly number[];
  /** The share of the expected samples in each bucket, 0 to 1. */
  readonly coverage: readonly number[];
  readonly points: Readonly<Record<string, PointHistory>>;
  readonly total: Coverage;
}

/** Null where a bucket has no number of the point. */
export interface PointHistory {
  readonly min: readonly (number | null)[];
  readonly avg: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}

export interface EnergyQuery {
  readonly deviceId: string;
  /** Edges of the spans, growing, each a multiple of 15 minutes: `n + 1` edges make `n` spans. */
  readonly edgesMs: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

export interface EnergySpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly energy: Energy;
  /** The share of the expected samples that is there, 0 to 1. */
  readonly coverage: number;
}

export interface TimelineQuery extends DeviceRange {
  readonly point: string;
  readonly limit: number;
  /** Bytes of all runs as JSON, about; absent: unbounded. There is always one run, however large. */
  readonly bytesMax?: number | undefined;
}

export interface Timeline {
  /** From the first sample with the value to the first with another, or to the last one before a gap. */
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
  readonly deviceIds: readonly string[];
  readonly point: string;
  readonly bucketMs: number;
}

export interface FleetTotals {
  readonly fromMs: number;
  readonly bucketMs: number;
  /** The sum, over the devices that have the point in a bucket, of their means there; null where none has. */
  readonly sum: readonly (number | null)[];
  /** How many devices that were. */
  readonly devices: readonly number[];
}

/** Values that are wrong, and count for nothing: of one device, in a range, all points or some. */
export interface NewStrike {
  readonly deviceId: string;
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
  readonly deviceId: string | null;
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
  /** Only events of these devices; those of the server as a whole are of none. */
  readonly deviceIds?: readonly string[] | undefined;
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
}
