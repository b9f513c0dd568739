import type { StreamWelcome } from "@wattboard/protocol";
import { allocateTextFrame, textFrame } from "../link/frame.ts";
import type { Subscriber } from "./subscriber.ts";

/** Where a client stands in a stream: the last frame that it has. */
export interface StreamPlace {
  readonly epoch: number;
  readonly offset: number;
}

/** A message as the device sent it. */
export interface StreamSample {
  readonly message: Uint8Array;
  readonly receivedAtMs: number;
}

/** How a client comes in. */
export interface Arrival {
  /** Whether it may know who has an account here; who may not gets other frames at the same places. */
  readonly mayViewNames: boolean;
  /** Null: it has nothing yet. */
  readonly place: StreamPlace | null;
  /** The device's newest sample, for who gets the stream anew. */
  readonly newest: StreamSample | null;
  readonly serverTime: string;
}

export interface DeviceStreamLimits {
  /** Frames that are kept; then the oldest goes. */
  readonly keptFramesMax: number;
  /** How long a frame is kept, ms. */
  readonly keptMsMax: number;
  /** Bytes that are kept; then the oldest goes. It must fit an outbox, for who comes back gets all of it at once. */
  readonly keptBytesMax: number;
}

interface KeptFrame {
  readonly atMs: number;
  readonly named: Buffer;
  readonly nameless: Buffer;
}

/**
 * The frames of one device for those who speak the subprotocol: each has its place, and those of late are kept for who comes back. A frame is made
 * once, however many watch.
 */
export class DeviceStream {
  readonly epoch: number;
  /** Whether the device is there, as the viewers have been told. */
  isOnline: boolean;
  readonly #limits: DeviceStreamLimits;
  /** Whether each may know names. */
  readonly #viewers = new Map<Subscriber, boolean>();
  /** Of the last frame. At the first one there is a place before it: who gets the stream anew gets the newest sample as if it were the last frame. */
  #offset = 1;
  /** The last frames, without a hole. */
  readonly #kept: KeptFrame[] = [];
  keptBytes = 0;

  constructor(epoch: number, isOnline: boolean, limits: DeviceStreamLimits) {
    this.epoch = epoch;
    this.isOnline = isOnline;
    this.#limits = limits;
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** Sends the viewer what it has missed, or else the newest sample, and from now on all that comes. Gives whether it has missed nothing. */
  add(viewer: Subscriber, { mayViewNames, place, newest, serverTime }: Arrival): boolean {
    const missed = this.#behind(place);
    const welcome: StreamWelcome = {
      type: "welcome",
      server_time: serverTime,
      epoch: this.epoch,
      offset: this.#offset - (missed?.length ?? (newest === null ? 0 : 1)),
      recovered: missed !== null,
      online: this.isOnline,
    };
    viewer.send(textFrame(Buffer.from(JSON.stringify(welcome))));
    if (missed === null && newest !== null) viewer.send(this.#numberSample(newest));
    for (const { named, nameless } of missed ?? []) viewer.send(mayViewNames ? named : nameless);
    this.#viewers.set(viewer, mayViewNames);
    return missed !== null;
  }

  remove(viewer: Subscriber): void {
    this.#viewers.delete(viewer);
  }

  /** Gives the sample the next place. */
  publish(nowMs: number, sample: StreamSample): void {
    this.#offset++;
    const frame = this.#numberSample(sample);
    this.#send({ atMs: nowMs, named: frame, nameless: frame });
  }

  /** Gives a frame that is no sample, the JSON of an object, the next place. `nameless`: for who may not know names, where that is another one. */
  tell(nowMs: number, message: Uint8Array, nameless: Uint8Array = message): void {
    this.#offset++;
    const named = this.#number(message);
    this.#send({ atMs: nowMs, named, nameless: nameless === message ? named : this.#number(nameless) });
  }

  #send(frame: KeptFrame): void {
    this.#viewers.forEach((mayViewNames, viewer) => {
      viewer.send(mayViewNames ? frame.named : frame.nameless);
    });
    this.#keep(frame);
  }

  /** Lets go what is kept: who comes back does not get it. The places go on. */
  forgetKept(): void {
    this.#kept.length = 0;
    this.keptBytes = 0;
  }

  #keep(frame: KeptFrame): void {
    const { keptFramesMax, keptMsMax, keptBytesMax } = this.#limits;
    this.#kept.push(frame);
    this.keptBytes += bytesOf(frame);
    for (let oldest = this.#kept[0]; oldest !== undefined; oldest = this.#kept[0]) {
      const isOver = this.#kept.length > keptFramesMax || this.keptBytes > keptBytesMax;
      if (!isOver && frame.atMs - oldest.atMs <= keptMsMax) return;
      this.#kept.shift();
      this.keptBytes -= bytesOf(oldest);
    }
  }

  /** The frames behind the place; null where that is none of this stream, or they are not all kept any more. */
  #behind(place: StreamPlace | null): readonly KeptFrame[] | null {
    if (place?.epoch !== this.epoch || !Number.isInteger(place.offset)) return null;
    const missed = this.#offset - place.offset;
    return missed >= 0 && missed <= this.#kept.length ? this.#kept.slice(this.#kept.length - missed) : null;
  }

  #numberSample({ message, receivedAtMs }: StreamSample): Buffer {
    return this.#number(message, `"received_at_ms":${receivedAtMs},`);
  }

  /** The message with the place of the last frame as its first members. The rest stays byte for byte: nothing is parsed or written anew. */
  #number(message: Uint8Array, more = ""): Buffer {
    const place = `{"epoch":${this.epoch},"offset":${this.#offset},${more}`;
    const members = message.subarray(message.indexOf(openingBrace) + 1);
    const length = place.length + members.length;
    const frame = allocateTextFrame(length, Buffer.allocUnsafeSlow);
    frame.write(place, frame.length - length, "latin1");
    frame.set(members, frame.length - members.length);
    return frame;
  }
}

const openingBrace = "{".charCodeAt(0);

function bytesOf({ named, nameless }: KeptFrame): number {
  return named.length + (nameless === named ? 0 : nameless.length);
}
