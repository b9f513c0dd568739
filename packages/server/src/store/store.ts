/**
 * The port of the cold lane. An adapter keeps samples for ever, or for as long as its retention says; what it has committed it
 * never loses. Live delivery does not wait for it.
 */
export interface Store {
  /**
   * Stores batches of records (see `sample-record.ts`), all or nothing. Resolves when they are durable: this is the ack point. Rejects with a
   * `Failure` otherwise; the same samples may then be offered again, even where only the answer was lost: told by (device, epoch, seq), each is
   * given back once. The batches are read before this returns.
   */
  append(batches: readonly Uint8Array[]): Promise<void>;
  /** The newest sample of every device that the store knows, by measured time. */
  latest(): Promise<StoredSample[]>;
  /** One device's samples with `fromMs <= observedAtMs < toMs`, oldest first; where they are more than `limit`, the newest of them. */
  samples(query: SampleQuery): Promise<StoredSample[]>;
  /** Waits for what was appended, then lets go of everything. */
  close(): Promise<void>;
}

export interface SampleQuery {
  readonly deviceId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

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
