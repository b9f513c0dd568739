import { DeviceClock, limits, type Rating, type Refusal, type RefusalCode } from "@wattboard/protocol";
import type { DeviceJournal } from "./device-journal.ts";
import { ExtraPoints } from "./extra-points.ts";
import { FaultyValues } from "./faulty-values.ts";
import { OlderPoints, withPoints } from "./older-points.ts";
import type { PointTime, Sample, Values } from "./sample.ts";

/** A receipt so far behind the one before it says that the server's clock was set back, and not only adjusted. */
const setBackMsMin = 1_000;
const noTimes: ReadonlyMap<string, PointTime> = new Map();

/** A sample that was measured so much before it was asked for says nothing of what came after, ms: clocks differ a little. */
const clockToleranceMs = 5_000;

/**
 * What the switchboard holds in memory of one device: its state, what was refused, and what its clock does. The state is, point by point, the newest
 * value by measured time: those of the newest message, and over time those of messages that held other points.
 */
export class DeviceState {
  readonly deviceId: string;
  /** The key of its registration as the journal writes it. */
  readonly keyBytes: Buffer;
  /**
   * The newest sample, where somebody has asked for it. Of most devices nobody asks, and what is held of each from one sample to the next is
   * what a collection of young garbage has to copy: with thousands of devices, for longer than a live sample should wait.
   */
  #newest: Sample | null = null;
  #isAskedFor = false;
  /** What ingest has stamped on it, and how it came; written over by the next, so that no sample costs an allocation that lasts. */
  #observedAtMs = Number.NEGATIVE_INFINITY;
  #receivedAtMs = 0;
  #deviceTimeMs = 0;
  #clock: Sample["clock"] = "device";
  #epoch = 0;
  #seq = 0;
  #frame = Buffer.alloc(0);
  #frameBytes = 0;
  #pointSet = -1;
  /** Null while all messages have held the same points, as most devices' do. */
  #older: OlderPoints | null = null;
  /** The newest sample with the older points; made when it is asked for. */
  #merged: { readonly sample: Sample; readonly times: ReadonlyMap<string, PointTime> } | null = null;
  /** The sample that was taken last, as a whole or for some of its points. */
  #takenEpoch = 0;
  #takenSeq = -1;
  /** Each of its messages holds its whole state, as a dialect makes it: what an earlier one said beside it does not hold any more. */
  isWholeInEach = false;
  accepted = 0;
  readonly dropped = new Map<RefusalCode, number>();
  lastRefusal: { readonly refusal: Refusal; readonly atMs: number } | null = null;
  /** How its clock goes, and where its samples belong in time. */
  readonly clock = new DeviceClock();
  readonly extraPoints: ExtraPoints;
  /** What was left out of its messages, or marked. */
  readonly faultyValues = new FaultyValues();
  /** The journal whose numbers its samples have had last; null where they have none. */
  journal: DeviceJournal | null = null;
  /** The one before: two clones take turns, and what one of them has sent may still wait for the store. */
  formerJournal: DeviceJournal | null = null;
  /** What its properties say of its size. */
  rating: Rating | null = null;

  constructor(deviceId: string, key: string, extraPointsMax: number = limits.extraPointsMax) {
    this.deviceId = deviceId;
    this.keyBytes = Buffer.from(key, "latin1");
    this.extraPoints = new ExtraPoints(extraPointsMax);
  }

  /**
   * Makes `sample` the newest unless a newer one, by measured time, is known: late samples never become live, but for points of which nothing newer
   * is known. One that lies ahead of now is none: it was stamped while the server's clock was ahead, and whatever comes now is newer. Copies the frame.
   * `pointSet` tells the set of its points (`Judged`). Gives whether anything of it was taken.
   */
  offer(sample: Sample, frame: Uint8Array, pointSet = 0): boolean {
    const { receivedAtMs } = sample;
    const isAhead =
      this.#receivedAtMs - receivedAtMs > setBackMsMin || this.#observedAtMs - receivedAtMs > limits.clockSkewMsMax;
    if (isAhead) this.#older = null;
    else if (sample.observedAtMs < this.#observedAtMs) return this.#takeLate(sample, pointSet);
    else if (pointSet !== this.#pointSet && this.#frameBytes > 0 && !this.isWholeInEach) this.#keepOlder();
    this.#observedAtMs = sample.observedAtMs;
    this.#receivedAtMs = sample.receivedAtMs;
    this.#deviceTimeMs = sample.deviceTimeMs;
    this.#clock = sample.clock;
    this.#epoch = sample.epoch;
    this.#seq = sample.seq;
    this.#pointSet = pointSet;
    if (frame.length > this.#frame.length) this.#frame = Buffer.allocUnsafeSlow(Math.ceil(frame.length * 1.25));
    this.#frame.set(frame);
    this.#frameBytes = frame.length;
    // Who has asked for the last one will ask for this one.
    this.#newest = this.#isAskedFor ? sample : null;
    this.#isAskedFor = false;
    this.#noteTaken(sample);
    return true;
  }

  /** Whether the sample is the one that was offered last and taken, at least for some of its points. */
  isNewest({ epoch, seq }: Sample): boolean {
    return this.#takenEpoch === epoch && this.#takenSeq === seq && this.#frameBytes > 0;
  }

  /**
   * The state as a sample: what the newest message holds, and the newest values of all other points. Null before the first; the same object until
   * the next one comes.
   */
  get latest(): Sample | null {
    return this.#merge()?.sample ?? null;
  }

  /** When the points of `latest` that its message does not hold were measured and received; empty for most devices. */
  get pointTimes(): ReadonlyMap<string, PointTime> {
    return this.#merge()?.times ?? noTimes;
  }

  /** The newest message as the device sent it, or null. A view that holds until the next sample. */
  get latestFrame(): Buffer | null {
    return this.#frameBytes === 0 ? null : this.#frame.subarray(0, this.#frameBytes);
  }

  /** When it was received; 0 before the first. */
  get latestReceivedAtMs(): number {
    return this.#receivedAtMs;
  }

  /**
   * The sections that were received since then, and not measured before it, each as its newest message has it: what an earlier message said of
   * other fields may not hold any more. Null before the first sample.
   */
  since(sinceMs: number): { readonly values: Values; readonly receivedAtMs: number } | null {
    const isSince = ({ observedAtMs, receivedAtMs }: PointTime): boolean =>
      receivedAtMs >= sinceMs && observedAtMs >= sinceMs - clockToleranceMs;
    const newest = this.#read();
    if (newest === null) return null;
    const values = isSince(newest) ? newest.values : {};
    const older = this.#older?.newestSections(newest.values).filter(([, point]) => isSince(point)) ?? [];
    return { values: older.length === 0 ? values : withPoints(values, older), receivedAtMs: newest.receivedAtMs };
  }

  #read(): Sample | null {
    if (this.#frameBytes === 0) return null;
    this.#isAskedFor = true;
    this.#newest ??= {
      deviceId: this.deviceId,
      deviceTimeMs: this.#deviceTimeMs,
      // The gatekeeper made its values in the same way.
      values: JSON.parse(this.#frame.toString("utf8", 0, this.#frameBytes)) as Values,
      observedAtMs: this.#observedAtMs,
      receivedAtMs: this.#receivedAtMs,
      clock: this.#clock,
      epoch: this.#epoch,
      seq: this.#seq,
    };
    return this.#newest;
  }

  #merge(): { readonly sample: Sample; readonly times: ReadonlyMap<string, PointTime> } | null {
    const newest = this.#read();
    if (newest === null) return null;
    if (this.#merged === null) {
      const older = [...(this.#older?.beside(newest.values) ?? [])];
      const sample = older.length === 0 ? newest : { ...newest, values: withPoints(newest.values, older) };
      const times = older.map(
        ([name, { observedAtMs, receivedAtMs }]) => [name, { observedAtMs, receivedAtMs }] as const,
      );
      this.#merged = { sample, times: times.length === 0 ? noTimes : new Map(times) };
    }
    return this.#merged;
  }

  /** The newest message is about to be replaced by one of other points: what it says of its own still holds. */
  #keepOlder(): void {
    const newest = this.#read();
    this.#older ??= new OlderPoints();
    if (newest !== null) this.#older.add(newest.values, newest);
  }

  #takeLate(sample: Sample, pointSet: number): boolean {
    // The newest message holds all of its points.
    if (pointSet === this.#pointSet) return false;
    this.#older ??= new OlderPoints();
    if (!this.#older.add(sample.values, sample)) return false;
    this.#noteTaken(sample);
    return true;
  }

  #noteTaken({ epoch, seq }: Sample): void {
    this.#merged = null;
    this.#takenEpoch = epoch;
    this.#takenSeq = seq;
  }

  noteDropped(refusal: Refusal, atMs: number): void {
    this.dropped.set(refusal.code, (this.dropped.get(refusal.code) ?? 0) + 1);
    this.lastRefusal = { refusal, atMs };
  }
}
