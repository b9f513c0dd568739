import type { CancelTimer, Clock } from "../base/clock.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import { recordBytes, writeRecord } from "../store/sample-record.ts";
import type { StoreWriter } from "../store/store.ts";
import type { SampleSink } from "./sample-sink.ts";

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

  accept(device: DeviceState, sample: Sample, frame: Buffer): void {
    this.append(device, sample, frame);
  }

  /** Copies the sample into the present batch. False: the queue is full, and the sample is not stored. */
  append(device: DeviceState, reading: Sample, message: Uint8Array): boolean {
    const bytes = recordBytes(device.keyBytes, message);
    if (this.#queueBytes + bytes > this.#limits.queueBytesMax) {
      this.#observer.unstored(1);
      return false;
    }
    const batch = this.#batchWithRoom(bytes);
    batch.bytes = writeRecord(batch.buffer, batch.bytes, reading, device.keyBytes, message);
    batch.samples++;
    this.#queueBytes += bytes;
    return true;
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

  #batchWithRoom(bytes: number): Batch {
    const last = this.#queue.at(-1);
    // The batch at the store is never written to: it may have to be offered again as it was.
    const isFillable = last !== undefined && this.#queue.length > this.#atStore;
    if (isFillable && last.bytes + bytes <= last.buffer.length) return last;
    if (isFillable) this.#handOver();
    const batch: Batch = { buffer: this.#takeBuffer(), bytes: 0, samples: 0 };
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
