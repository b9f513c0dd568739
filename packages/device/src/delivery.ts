import { type AckFrame, type GapFrame, limits, SeqRanges, type Welcome } from "@wattboard/protocol";
import type { Clock } from "./clock.ts";
import type { DeviceCounters } from "./device.ts";
import { Flight } from "./flight.ts";
import {
  isGap,
  type JournalGap,
  type JournalPart,
  type JournalSample,
  numbered,
  type SampleJournal,
} from "./journal.ts";
import type { Notices } from "./notices.ts";
import type { Connection } from "./transport.ts";

/** After so long without an ack, what was sent counts as not sent. */
const ackMsMax = 30_000;
/** How often backfill goes on, and so how finely it is paced. */
const turnMs = 250;
/** With more than this waiting in the connection, backfill waits: live samples go first. */
const waitingBytesMax = 64 * 1024;
/** Where the server does not say. */
const backfillPerSecond = limits.messagesPerSecond;

const frameStart = '{"type":"backfill","samples":[';
const frameEnd = "]}";

interface DeliveryOptions {
  readonly journal: SampleJournal;
  readonly clock: Clock;
  readonly link: { readonly connection: Connection | undefined; readonly heardAtMs: number };
  readonly counters: DeviceCounters;
  readonly notices: Notices;
}

/**
 * Brings what the journal holds to the server (ADR 70): keeps account of what is durable and what is on its way, and sends what is neither, oldest
 * first, beside the live samples and at the pace that the server gives.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #journal: SampleJournal;
  readonly #clock: Clock;
  #durable: SeqRanges;
  /** Samples on the present link. */
  readonly #samples = new Flight();
  /** Declared gaps on the present link: the server stores them on their own, so they prove nothing about samples. */
  readonly #gaps = new Flight();
  /** Counts links, for what was read for an earlier one. */
  #link = 0;
  #linkedAtMs = 0;
  /** The server knows of this journal, and has said what it has of it, on the present link. */
  #isWelcome = false;
  #heardAtMs = 0;
  /** The server has given a pace on the present link. */
  #hasPace = false;
  /** What the journal held at the hello of the present link. */
  #helloFirst = 1;
  #helloLast = 0;
  #frameBytesMax: number = limits.frameBytesMax;
  #pace = 0;
  /** Samples of backfill that may be sent now. */
  #budget = 0;
  #budgetAtMs = 0;
  #isReading = false;
  #timer: unknown;
  /** Samples up to here were stored by a server that knew this journal by another epoch. They are another registration's, and not sent to this one. */
  #withheldSeq = 0;
  /** The first number that this process gives; and which of them it has sent, until the server has said once what it has. */
  readonly #ownFrom: number;
  #ownSent: SeqRanges | null = new SeqRanges();
  readonly #waiters = new Set<() => void>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#clock = options.clock;
    this.#durable = SeqRanges.of(options.journal.durableSeq);
    this.#ownFrom = options.journal.lastSeq + 1;
  }

  /** Samples that the journal holds and the server has not stored, as far as it has told. */
  get waiting(): number {
    const { firstSeq, lastSeq } = this.#journal;
    return Math.max(0, lastSeq - firstSeq + 1 - this.#durable.countWithin(firstSeq, lastSeq));
  }

  /** Whether the server has said, on the present link, what it has of the journal. */
  get isWelcome(): boolean {
    return this.#isWelcome;
  }

  /**
   * Whether samples for this connection get a number. A plain link does not know what that is; nor does a server of `wattboard.v1` that does not
   * answer to a journal, neither now nor before, though it is heard 30 s later. One whose store is away gives a pace.
   */
  numbers(connection: Connection): boolean {
    if (!connection.speaksSubprotocol || this.#journal.lastSeq >= limits.seqMax) return false;
    // A link on which nothing has come since may be dead, and what is sent there has to be kept.
    const hasHadTime = this.#options.link.heardAtMs - this.#linkedAtMs >= ackMsMax;
    return this.#isWelcome || this.#hasPace || this.#journal.epoch !== null || !hasHadTime;
  }

  linked(): void {
    this.#link++;
    this.#linkedAtMs = this.#heardAtMs = this.#clock.monotonicMs();
    this.#helloFirst = this.#journal.firstSeq;
    this.#helloLast = this.#journal.lastSeq;
  }

  unlinked(): void {
    this.#isWelcome = false;
    this.#hasPace = false;
    this.#samples.clear();
    this.#gaps.clear();
    this.stop();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A live sample went out on the present link. */
  sent(seq: number): void {
    this.#samples.add(seq, seq, false, this.#clock.monotonicMs());
    this.#ownSent?.add(seq, seq);
    if (this.#timer === undefined) this.#goOn();
  }

  welcome({ journal_id, epoch, durable_seq = 0, durable_ranges, pace, limits: bounds }: Welcome): void {
    if (journal_id !== this.#journal.id) return;
    const { epoch: knownEpoch, durableSeq } = this.#journal;
    if (knownEpoch !== null && knownEpoch !== epoch) this.#withheldSeq = Math.max(this.#withheldSeq, durableSeq);
    this.#isWelcome = true;
    this.#frameBytesMax = Math.min(limits.frameBytesMax, bounds?.frame_bytes ?? limits.frameBytesMax);
    const durable = SeqRanges.of(durable_seq, durable_ranges);
    const held = this.#helloLast - this.#helloFirst + 1;
    const wasBehind = durable.countWithin(this.#helloFirst, this.#helloLast) < held;
    // A server gives no pace to who had nothing to send; what did not arrive since, such as what it was sent before this welcome, asks for one.
    this.#setPace(Math.max(pace?.backfill ?? backfillPerSecond, wasBehind ? 0 : 1));
    this.#setDurable(durable, epoch);
    void this.#renumber();
    this.#goOn();
  }

  ack({ seq, ranges }: AckFrame): void {
    const { epoch } = this.#journal;
    if (!this.#isWelcome || epoch === null) return;
    this.#heardAtMs = this.#clock.monotonicMs();
    // An ack that was overtaken by a later one takes nothing back.
    const durable = SeqRanges.of(seq, ranges);
    durable.addAll(this.#durable);
    this.#setDurable(durable, epoch);
    this.#goOn();
  }

  pace(backfill: number): void {
    this.#hasPace = true;
    this.#setPace(backfill);
    this.#goOn();
  }

  /** A sample went into the journal alone, though there is a link: it did not take more just now. */
  kept(): void {
    if (this.#isWelcome) this.#goOn();
  }

  /** There was no room for these any more. */
  dropped(from: number, to: number): void {
    const lost = to - from + 1 - this.#durable.countWithin(from, to);
    if (lost === 0) return;
    this.#options.counters.lost += lost;
    const message = "The journal is full: the oldest samples that the server has not stored are lost.";
    this.#options.notices.tellSometimes("warn", "journal_full", message);
  }

  /** Resolves to whether nothing waits any more, when that is so or the time is over. */
  stored(withinMs: number): Promise<boolean> {
    if (this.waiting === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = () => {
        this.#clock.clearTimeout(timer);
        this.#waiters.delete(end);
        resolve(this.waiting === 0);
      };
      const timer = this.#clock.setTimeout(end, withinMs);
      this.#waiters.add(end);
    });
  }

  #setDurable(durable: SeqRanges, epoch: number): void {
    const before = this.waiting;
    this.#durable = durable;
    this.#journal.acknowledge(durable, epoch);
    this.#samples.settle(durable);
    this.#gaps.settle(durable);
    this.#options.counters.stored += Math.max(0, before - this.waiting);
    if (this.waiting === 0) for (const end of this.#waiters) end();
  }

  #setPace(backfill: number): void {
    this.#spendable();
    this.#pace = backfill;
    this.#budget = Math.min(this.#budget, this.#budgetMax);
  }

  get #budgetMax(): number {
    return Math.max(1, (this.#pace * turnMs) / 1_000);
  }

  /** How many samples of backfill may be sent now. */
  #spendable(): number {
    const nowMs = this.#clock.monotonicMs();
    const earned = ((nowMs - this.#budgetAtMs) * this.#pace) / 1_000;
    this.#budgetAtMs = nowMs;
    this.#budget = Math.min(this.#budgetMax, this.#budget + earned);
    const windowMax = Math.max(1, 2 * this.#pace);
    return Math.floor(Math.min(this.#budget, windowMax - this.#samples.backfill));
  }

  /** Sends what may be sent, and sets the timer for what comes next. */
  readonly #goOn = (): void => {
    this.stop();
    this.#expire();
    const delayMs = this.#isWelcome ? this.#backfill() : null;
    const oldestMs = this.#oldestMs;
    const expiryMs = oldestMs === null ? null : oldestMs + ackMsMax - this.#clock.monotonicMs();
    const nextMs = Math.min(delayMs ?? Number.POSITIVE_INFINITY, expiryMs ?? Number.POSITIVE_INFINITY);
    // A promise that was awaited goes on by itself.
    if (Number.isFinite(nextMs)) this.#timer = this.#clock.setTimeout(this.#goOn, Math.max(1, nextMs));
  };

  get #oldestMs(): number | null {
    const times = [this.#samples.oldestMs, this.#gaps.oldestMs].filter((each) => each !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** What was not acknowledged in time counts as not sent: all of it if no ack came at all. */
  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    const oldestMs = this.#oldestMs;
    if (oldestMs === null || nowMs - oldestMs < ackMsMax) return;
    const isSilent = nowMs - this.#heardAtMs >= ackMsMax;
    for (const flight of [this.#samples, this.#gaps]) flight.forgetBefore(isSilent ? nowMs : nowMs - ackMsMax);
  }

  /** Sends backfill as far as it may; gives when to come again, ms, or null if something else brings it on. */
  #backfill(): number | null {
    while (!this.#isReading) {
      const missing = this.#firstMissing();
      if (missing === null || this.#pace === 0) return null;
      const { connection } = this.#options.link;
      if (connection === undefined) return null;
      const count = this.#spendable();
      if (count < 1 || connection.waitingBytes > waitingBytesMax) {
        return Math.max(turnMs, ((1 - this.#budget) * 1_000) / this.#pace);
      }
      const entries = this.#read(missing.from, missing.to, Math.min(count, limits.backfillSamplesMax));
      if (entries instanceof Promise) this.#sendWhenRead(entries);
      else this.#send(entries, connection);
    }
    return null;
  }

  /** The oldest samples that are neither durable nor on their way. */
  #firstMissing(): { readonly from: number; readonly to: number } | null {
    const known = [this.#durable, this.#samples, this.#gaps];
    let from = 1;
    for (let before = 0; before !== from; ) {
      before = from;
      for (const each of known) from = each.firstMissing(from);
    }
    const { lastSeq } = this.#journal;
    const to = Math.min(lastSeq, ...known.map((each) => each.firstFrom(from) - 1));
    return from > lastSeq ? null : { from, to };
  }

  #read(from: number, to: number, samplesMax: number): JournalPart[] | Promise<JournalPart[]> {
    if (from <= this.#withheldSeq) {
      return [{ from_seq: from, to_seq: Math.min(to, this.#withheldSeq), reason: "lost" }];
    }
    const bytesMax = this.#frameBytesMax - frameStart.length - frameEnd.length;
    return this.#journal.read(from, to, samplesMax, bytesMax);
  }

  #sendWhenRead(reading: Promise<JournalPart[]>): void {
    const link = this.#link;
    this.#isReading = true;
    void reading.then((entries) => {
      this.#isReading = false;
      const { connection } = this.#options.link;
      if (!this.#isWelcome || connection === undefined) return;
      if (link === this.#link) this.#send(entries, connection);
      this.#goOn();
    });
  }

  /** Sends entries that follow on each other: each gap as a frame, samples between gaps together. */
  #send(entries: readonly JournalPart[], connection: Connection): void {
    let together: JournalSample[] = [];
    for (const entry of entries) {
      const sendable = isGap(entry) ? entry : this.#gapIfTooBig(entry);
      if (sendable === null) together.push(entry as JournalSample);
      else {
        this.#sendSamples(together, connection);
        together = [];
        this.#sendGap(sendable, connection);
      }
    }
    this.#sendSamples(together, connection);
  }

  #sendSamples(samples: readonly JournalSample[], connection: Connection): void {
    const [first] = samples;
    const last = samples.at(-1);
    if (first === undefined || last === undefined) return;
    connection.send(frameStart + samples.map(({ seq, text }) => numbered(seq, text)).join(",") + frameEnd);
    this.#samples.add(first.seq, last.seq, true, this.#clock.monotonicMs());
    this.#budget -= samples.length;
  }

  #sendGap(gap: JournalGap, connection: Connection): void {
    const frame: GapFrame = { type: "gap", ...gap };
    connection.send(JSON.stringify(frame));
    this.#gaps.add(gap.from_seq, gap.to_seq, true, this.#clock.monotonicMs());
    this.#budget -= 1;
  }

  /** A sample that this server takes in no frame will never come. */
  #gapIfTooBig({ seq, text }: JournalSample): JournalGap | null {
    const bytes = Buffer.byteLength(numbered(seq, text)) + frameStart.length + frameEnd.length;
    if (bytes <= this.#frameBytesMax) return null;
    this.#options.notices.tellSometimes(
      "error",
      "sample_too_big",
      "A sample is larger than the server takes; it is lost.",
    );
    return { from_seq: seq, to_seq: seq, reason: "lost" };
  }

  /**
   * Where the end of a journal was damaged, this process may have given numbers that were given before. What has such a number, the server passes
   * over as known; it gets a new one.
   */
  async #renumber(): Promise<void> {
    const ownSent = this.#ownSent;
    this.#ownSent = null;
    if (ownSent === null) return;
    const durable = this.#durable;
    const { lastSeq } = this.#journal;
    const isKnown = (from: number, to: number) => durable.countWithin(from, to) > ownSent.countWithin(from, to);
    if (durable.last <= lastSeq && !isKnown(this.#ownFrom, lastSeq)) return;
    this.#options.notices.tell(
      "warn",
      "journal_damaged",
      "The journal had lost its end; it goes on with higher numbers.",
    );
    this.#journal.skip(durable.last);
    for (let seq = durable.firstFrom(this.#ownFrom); seq <= lastSeq; seq = durable.firstFrom(seq + 1)) {
      for (const entry of await this.#journal.read(seq, seq, 1, limits.frameBytesMax)) {
        if (!isGap(entry)) this.#journal.append(entry.text);
      }
    }
    this.#goOn();
  }
}
