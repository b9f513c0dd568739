import type { CancelTimer, Clock } from "../base/clock.ts";
import type { DeviceJournal } from "../devices/device-journal.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { DurabilityMark, DurabilityWaiter } from "../devices/durability.ts";
import type { Sample } from "../devices/sample.ts";
import { passedRecordBytes, recordBytes, writePassed, writeRecord } from "../store/sample-record.ts";
import type { StoreWriter } from "../store/store.ts";
import type { SampleSink, Source } from "./sample-sink.ts";

export interface StoreQueueLimits {
  /** A sample waits at most this long before it is handed to the store, ms. */
  readonly flushMs: number;
  /** A batch is handed over as soon as it is this large. */
  readonly flushBytes: number;
  /** What may wait for the store, bytes. Above it samples are live but not stored, and are counted as such. */
  readonly queueBytesMax: number;
}

/** Told what becomes of the cold lane, for the log, the metrics and the health page. */
export interface StoreQueueObserver {
  /** `queuedBytes` still wait. */
  committed(samples: number, tookMs: number, queuedBytes: number): void;
  failed(error: unknown): void;
  /** The queue is full: this many samples are not stored. */
  unstored(samples: number): void;
}

interface Batch {
  readonly buffer: Buffer;
  bytes: number;
  samples: number;
  /** What is durable once the batch is, in the order in which it came. */
  readonly marks: DurabilityMark[];
}

const retryMs = 1_000;
/**
 * Full batches that wait are handed over together, up to this size: an answer of the store is heard once a turn of the event loop, and a turn
 * under full load brings more than one batch.
 */
const handOverBytesMax = 32 * 1024 * 1024;

/**
 * The start of the cold lane: collects samples into batches and hands them to the store one after another. The hot lane only ever
 * copies bytes here. While the store is slow the batches wait, bounded; while it fails they are offered again and again.
 */
export class StoreQueue implements SampleSink {
  readonly #store: StoreWriter;
  readonly #clock: Clock;
  readonly #limits: StoreQueueLimits;
  readonly #observer: StoreQueueObserver;
  readonly #stopTimer: CancelTimer;
  /** Oldest first; the last one is being filled. */
  readonly #queue: Batch[] = [];
  /** How many of the first are at the store. */
  #atStore = 0;
  /** Since when the store has them. */
  #offeredAtMs: number | null = null;
  #spare: Buffer | null = null;
  #queueBytes = 0;
  #closing = false;
  /** Whether the store refused what it was given last. */
  #isFailing = false;
  /** Closing, and failing before: the next refusal is the last. */
  #isLastTry = false;
  #cancelRetry: CancelTimer | null = null;
  #drained: (() => void) | null = null;

  constructor(store: StoreWriter, clock: Clock, limits: StoreQueueLimits, observer: StoreQueueObserver) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
    this.#observer = observer;
    this.#stopTimer = clock.every(limits.flushMs, () => this.#handOver());
  }

  /** A numbered sample whose journal cannot be stored yet, or not that far ahead, comes again. */
  accept(device: DeviceState, sample: Sample, frame: Buffer, { journal, waiter }: Source): void {
    if (!sample.isNumbered) this.append(device, sample, frame, waiter);
    else if (journal?.mayTake(sample.seq) && this.append(device, sample, frame, journal)) journal.taken.add(sample.seq);
  }

  /**
   * Copies the sample into the present batch. False: the queue is full, and the sample is not stored. `waiter` is told when it is durable;
   * `isBackfill`: with the span that it fills.
   */
  append(
    device: DeviceState,
    sample: Sample,
    message: Uint8Array,
    waiter: DurabilityWaiter | null = null,
    isBackfill = false,
  ): boolean {
    const bytes = recordBytes(device.keyBytes, message);
    if (!this.#hasRoom(bytes)) {
      this.#observer.unstored(1);
      return false;
    }
    const batch = this.#batchWithRoom(bytes);
    batch.bytes = writeRecord(batch.buffer, batch.bytes, sample, device.keyBytes, message);
    batch.samples++;
    this.#queueBytes += bytes;
    if (waiter === null) return true;
    const mark = markIn(batch, waiter, sample.seq, sample.seq);
    if (isBackfill) widen(mark, sample.observedAtMs);
    return true;
  }

  /** These numbers of the journal are taken without a sample. False: the queue is full. */
  pass(device: DeviceState, journal: DeviceJournal, fromSeq: number, toSeq: number): boolean {
    const bytes = passedRecordBytes(device.keyBytes);
    if (!this.#hasRoom(bytes)) return false;
    const batch = this.#batchWithRoom(bytes);
    const passed = { atMs: this.#clock.wallMs(), epoch: journal.epoch, fromSeq, toSeq };
    batch.bytes = writePassed(batch.buffer, batch.bytes, passed, device.keyBytes);
    this.#queueBytes += bytes;
    journal.taken.add(fromSeq, toSeq);
    markIn(batch, journal, fromSeq, toSeq);
    return true;
  }

  /** Whether so much waits for the store that nothing should be sent which has time. */
  get isHalfFull(): boolean {
    return this.#queueBytes > this.#limits.queueBytesMax / 2;
  }

  get queuedBytes(): number {
    return this.#queueBytes;
  }

  /** How long the store has not answered what it was given, ms; 0 where it has nothing to answer. */
  get unansweredMs(): number {
    return this.#offeredAtMs === null ? 0 : this.#clock.monotonicMs() - this.#offeredAtMs;
  }

  /**
   * Stores what waits, and stops. Resolves when all is committed, or when `graceMs` are over; a store that has been failing is tried once more, and
   * not waited for. Gives the number of samples not stored.
   */
  async close(graceMs: number): Promise<number> {
    this.#stopTimer();
    this.#closing = true;
    this.#isLastTry = this.#isFailing;
    this.#tryAgain();
    let cancel: CancelTimer = () => {};
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
      cancel = this.#clock.after(graceMs, resolve);
    });
    this.#handOver();
    await drained;
    cancel();
    this.#cancelRetry?.();
    // What the store answers from here on changes nothing.
    this.#isLastTry = true;
    return this.#queue.reduce((sum, batch) => sum + batch.samples, 0);
  }

  #hasRoom(bytes: number): boolean {
    return this.#queueBytes + bytes <= this.#limits.queueBytesMax;
  }

  #batchWithRoom(bytes: number): Batch {
    const last = this.#queue.at(-1);
    // The batch at the store is never written to: it may have to be offered again as it was.
    const isFillable = last !== undefined && this.#queue.length > this.#atStore;
    if (isFillable && last.bytes + bytes <= last.buffer.length) return last;
    if (isFillable) this.#handOver();
    const batch: Batch = { buffer: this.#takeBuffer(), bytes: 0, samples: 0, marks: [] };
    this.#queue.push(batch);
    return batch;
  }

  #takeBuffer(): Buffer {
    const buffer = this.#spare ?? Buffer.allocUnsafeSlow(this.#limits.flushBytes);
    this.#spare = null;
    return buffer;
  }

  #handOver(): void {
    if (this.#atStore > 0) return;
    if (this.#queue.length === 0) {
      this.#drained?.();
      return;
    }
    const batches: Batch[] = [];
    let bytes = 0;
    for (const batch of this.#queue) {
      if (batches.length > 0 && bytes + batch.bytes > handOverBytesMax) break;
      batches.push(batch);
      bytes += batch.bytes;
    }
    this.#atStore = batches.length;
    const startedAtMs = this.#clock.monotonicMs();
    this.#offeredAtMs = startedAtMs;
    this.#store.append(batches.map((batch) => batch.buffer.subarray(0, batch.bytes))).then(
      () => {
        this.#atStore = 0;
        this.#offeredAtMs = null;
        this.#isFailing = false;
        this.#isLastTry = false;
        this.#queue.splice(0, batches.length);
        this.#queueBytes -= bytes;
        this.#spare = batches[0]?.buffer ?? null;
        const samples = batches.reduce((sum, batch) => sum + batch.samples, 0);
        this.#observer.committed(samples, this.#clock.monotonicMs() - startedAtMs, this.#queueBytes);
        for (const { marks } of batches) for (const mark of marks) mark.waiter.becameDurable(mark);
        // A full batch, or a stop, does not wait for the timer.
        if (this.#queue.length > 1 || this.#closing) this.#handOver();
      },
      (error: unknown) => {
        this.#isFailing = true;
        this.#offeredAtMs = null;
        this.#observer.failed(error);
        if (this.#isLastTry) this.#drained?.();
        else this.#cancelRetry = this.#clock.after(retryMs, () => this.#tryAgain());
      },
    );
  }

  /** Offers what was refused again, where it waits for that. */
  #tryAgain(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#cancelRetry = null;
    this.#atStore = 0;
    this.#handOver();
  }
}

/** The waiter's mark in the batch, up to that number. */
function markIn(batch: Batch, waiter: DurabilityWaiter, fromSeq: number, toSeq: number): DurabilityMark {
  const { mark } = waiter;
  if (mark?.batch === batch && mark.toSeq + 1 === fromSeq) {
    mark.toSeq = toSeq;
    return mark;
  }
  const made = { waiter, batch, fromSeq, toSeq, filled: null };
  waiter.mark = made;
  batch.marks.push(made);
  return made;
}

function widen(mark: DurabilityMark, atMs: number): void {
  mark.filled ??= { fromMs: atMs, toMs: atMs, samples: 0 };
  mark.filled.fromMs = Math.min(mark.filled.fromMs, atMs);
  mark.filled.toMs = Math.max(mark.filled.toMs, atMs);
  mark.filled.samples++;
}
