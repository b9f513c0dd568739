import type { BackfilledFrame, PresenceFrame } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import type { NewId } from "../base/random-id.ts";
import type { PresenceListener } from "../devices/device-sessions.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import { textFrame } from "../link/frame.ts";
import { type Arrival, DeviceStream, type DeviceStreamLimits } from "./device-stream.ts";
import type { SampleSink } from "./sample-sink.ts";
import type { Subscriber } from "./subscriber.ts";

export interface FanoutLimits extends Pick<DeviceStreamLimits, "keptBytesMax"> {
  /** Bytes that are kept of all devices; above it the frames of the device go that has kept some for longest, and who comes back to it reads the history. */
  readonly resumeBytesMax: number;
}

/** Who watches one device. */
interface Topic {
  /** They get each sample as the device sent it. */
  readonly plain: Set<Subscriber>;
  /** For those who speak the subprotocol; null while there are none, and were none of late. */
  stream: DeviceStream | null;
  /** Runs while nobody has the stream open. */
  forgetting: CancelTimer | null;
}

/** What was stored only now, of one device. */
type StoredLate = { fromMs: number; toMs: number; samples: number };

/** How long the frames of a device are kept, also after the last of its viewers has left, ms. */
const keptMsMax = 60_000;
/** Frames that are kept of a device. */
const keptFramesMax = 300;
/** A device's viewers are told so often at most that samples of before have been stored, ms. */
const backfilledMs = 1_000;

/**
 * Who watches which device. Bounded by the number of sockets, and what is kept for those who come back by `resumeBytesMax`. Of a device that nobody
 * watches nothing is made and nothing kept.
 */
export class Fanout implements SampleSink, PresenceListener {
  readonly #clock: Clock;
  readonly #isOnline: (deviceId: string) => boolean;
  readonly #limits: FanoutLimits;
  readonly #topics = new Map<string, Topic>();
  /** Streams that keep something, in the order in which they began to. */
  readonly #keeping = new Set<DeviceStream>();
  /** Only of devices that have a stream. */
  readonly #backfills = new Map<string, StoredLate>();
  /** Another one after each start, whatever the machine's clock says then. */
  #lastEpoch: number;
  #keptBytes = 0;
  deliveryCount = 0;
  /** Clients that came back with a place: how many got all that they had missed, and how many did not. */
  readonly resumeCounts = { recovered: 0, lost: 0 };

  constructor(clock: Clock, newId: NewId, isOnline: (deviceId: string) => boolean, limits: FanoutLimits) {
    this.#clock = clock;
    this.#isOnline = isOnline;
    this.#limits = limits;
    this.#lastEpoch = Number.parseInt(newId(6), 16);
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Sends the subscriber each sample as the device sent it, and nothing else. */
  subscribe(deviceId: string, subscriber: Subscriber): void {
    this.#topic(deviceId).plain.add(subscriber);
  }

  /** Sends the subscriber what it has missed, or else the newest sample, and then every frame with its place. */
  watch(deviceId: string, subscriber: Subscriber, arrival: Omit<Arrival, "serverTime">): void {
    const topic = this.#topic(deviceId);
    topic.forgetting?.();
    topic.forgetting = null;
    topic.stream ??= new DeviceStream(++this.#lastEpoch, this.#isOnline(deviceId), {
      keptFramesMax,
      keptMsMax,
      keptBytesMax: this.#limits.keptBytesMax,
    });
    const recovered = topic.stream.add(subscriber, { ...arrival, serverTime: isoTime(this.#clock.wallMs()) });
    if (arrival.place !== null) this.resumeCounts[recovered ? "recovered" : "lost"]++;
  }

  unsubscribe(deviceId: string, subscriber: Subscriber): void {
    const topic = this.#topics.get(deviceId);
    if (topic === undefined) return;
    const { plain, stream } = topic;
    plain.delete(subscriber);
    stream?.remove(subscriber);
    if (stream?.viewerCount === 0) {
      topic.forgetting ??= this.#clock.after(keptMsMax, () => this.#forgetStream(deviceId, topic));
    }
    this.#removeIfUnwatched(deviceId, topic);
  }

  accept({ deviceId }: DeviceState, { receivedAtMs }: Sample, message: Buffer): void {
    const topic = this.#topics.get(deviceId);
    if (topic === undefined) return;
    const { plain, stream } = topic;
    if (plain.size > 0) {
      const frame = textFrame(message);
      this.deliveryCount += plain.size;
      for (const subscriber of plain) subscriber.send(frame);
    }
    if (stream !== null) this.#publish(stream, (nowMs) => stream.publish(nowMs, { message, receivedAtMs }));
  }

  /** Whether frames beside the samples go anywhere: what nobody gets need not be made. */
  hasStream(deviceId: string): boolean {
    return this.#topics.get(deviceId)?.stream != null;
  }

  /** Sends a frame that is no sample, the JSON of an object, to who speaks the subprotocol. `nameless`: for who may not know names. */
  tell(deviceId: string, message: Uint8Array, nameless: Uint8Array = message): void {
    const stream = this.#topics.get(deviceId)?.stream;
    if (stream != null) this.#publish(stream, (nowMs) => stream.tell(nowMs, message, nameless));
  }

  presenceChanged(deviceId: string): void {
    const stream = this.#topics.get(deviceId)?.stream;
    const online = this.#isOnline(deviceId);
    // One link that replaces another is no change.
    if (stream == null || stream.isOnline === online) return;
    stream.isOnline = online;
    this.tell(deviceId, encodeFrame({ type: "presence", online } satisfies Unplaced<PresenceFrame>));
  }

  /** Samples of the past have been stored, measured from `fromMs` to `toMs`. Call as often as you like: the viewers are told once a second. */
  backfilled(deviceId: string, fromMs: number, toMs: number, samples: number): void {
    if (!this.hasStream(deviceId)) return;
    if (this.#backfills.size === 0) this.#clock.after(backfilledMs, () => this.#tellBackfilled());
    const known = this.#backfills.get(deviceId);
    this.#backfills.set(deviceId, {
      fromMs: Math.min(fromMs, known?.fromMs ?? fromMs),
      toMs: Math.max(toMs, known?.toMs ?? toMs),
      samples: samples + (known?.samples ?? 0),
    });
  }

  /** The device was removed: whoever has its id next is another one, and nobody gets what this one sent. */
  forget(deviceId: string): void {
    const stream = this.#topics.get(deviceId)?.stream;
    if (stream != null) this.#forgetKept(stream);
  }

  #topic(deviceId: string): Topic {
    let topic = this.#topics.get(deviceId);
    if (topic === undefined) {
      topic = { plain: new Set(), stream: null, forgetting: null };
      this.#topics.set(deviceId, topic);
    }
    return topic;
  }

  #publish(stream: DeviceStream, publish: (nowMs: number) => void): void {
    const before = stream.keptBytes;
    this.deliveryCount += stream.viewerCount;
    publish(this.#clock.monotonicMs());
    this.#keptBytes += stream.keptBytes - before;
    if (before === 0) this.#keeping.add(stream);
    for (const oldest of this.#keeping) {
      if (this.#keptBytes <= this.#limits.resumeBytesMax) return;
      this.#forgetKept(oldest);
    }
  }

  #forgetKept(stream: DeviceStream): void {
    this.#keptBytes -= stream.keptBytes;
    stream.forgetKept();
    this.#keeping.delete(stream);
  }

  #forgetStream(deviceId: string, topic: Topic): void {
    if (topic.stream !== null) this.#forgetKept(topic.stream);
    topic.stream = null;
    topic.forgetting = null;
    this.#removeIfUnwatched(deviceId, topic);
  }

  #removeIfUnwatched(deviceId: string, { plain, stream }: Topic): void {
    if (plain.size === 0 && stream === null) this.#topics.delete(deviceId);
  }

  #tellBackfilled(): void {
    for (const [deviceId, { fromMs, toMs, samples }] of this.#backfills) {
      const frame: Unplaced<BackfilledFrame> = {
        type: "backfilled",
        from: isoTime(fromMs),
        to: isoTime(toMs),
        samples,
      };
      this.tell(deviceId, encodeFrame(frame));
    }
    this.#backfills.clear();
  }
}

type Unplaced<Frame> = Omit<Frame, "epoch" | "offset">;

function encodeFrame(frame: object): Buffer {
  return Buffer.from(JSON.stringify(frame));
}
