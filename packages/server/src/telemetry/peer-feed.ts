import { limits } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Peers } from "../devices/peers.ts";
import type { Sample } from "../devices/sample.ts";
import type { FleetSubscriber } from "./fleet-feed.ts";
import type { SampleSink } from "./sample-sink.ts";

/** Writes a device's latest sample in the dialect of who gets it, with its header; null where it has none. */
export type PeerEncoding = (device: DeviceState) => Buffer | null;

interface Reader {
  readonly deviceId: string;
  readonly encoding: PeerEncoding;
  /** Peers that it has been told of. */
  known: ReadonlySet<string>;
  /** Peers that it has still to be told of; at most 64. */
  readonly waiting: Set<string>;
}

/** Samples go to devices this often, however fast their peers send: a small device must be able to follow. */
const tickMs = 1_000;
/** A device that has so much to read gets no more until it has caught up; then it gets what is newest. */
const queuedBytesMax = 64 * 1024;

/** From device to device: who may and wants to gets the newest sample of each of its peers, at most once a second. */
export class PeerFeed implements SampleSink {
  readonly #latest: DeviceStates;
  readonly #peers: Peers;
  /** Bounded: see `subscribe`. */
  readonly #readers = new Map<FleetSubscriber, Reader>();
  readonly #changed = new Set<string>();
  readonly #stopTimer: CancelTimer;

  constructor(clock: Clock, latest: DeviceStates, peers: Peers) {
    this.#latest = latest;
    this.#peers = peers;
    this.#stopTimer = clock.every(tickMs, () => this.#tick());
  }

  /** Gives the peers that it will be told of; null where too many devices listen already. */
  subscribe(reader: FleetSubscriber, deviceId: string, encoding: PeerEncoding): readonly string[] | null {
    if (!this.#readers.has(reader) && this.#readers.size >= limits.peerReadersMax) return null;
    this.#readers.set(reader, { deviceId, encoding, known: new Set(), waiting: new Set() });
    return this.#peers.snapshot()(deviceId);
  }

  unsubscribe(reader: FleetSubscriber): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#changed.clear();
  }

  accept(device: DeviceState, sample: Sample): void {
    if (device.isNewest(sample)) this.markChanged(device.deviceId);
  }

  /** On the hot path: once for every sample. */
  markChanged(deviceId: string): void {
    if (this.#readers.size > 0) this.#changed.add(deviceId);
  }

  stop(): void {
    this.#stopTimer();
  }

  #tick(): void {
    if (this.#readers.size === 0) return;
    // Asked anew each second, so that a right taken away is gone by then.
    const peersOf = this.#peers.snapshot();
    const written = new Map<PeerEncoding, Map<string, Buffer | null>>();
    for (const [link, reader] of this.#readers) {
      const peers = new Set(peersOf(reader.deviceId));
      for (const id of peers) if (this.#changed.has(id) || !reader.known.has(id)) reader.waiting.add(id);
      reader.known = peers;
      for (const id of reader.waiting) {
        if (link.queuedBytes >= queuedBytesMax) break;
        reader.waiting.delete(id);
        const frame = peers.has(id) ? this.#frame(id, reader.encoding, written) : null;
        if (frame !== null) link.send(frame);
      }
    }
    this.#changed.clear();
  }

  /** Written once for all who get it. */
  #frame(id: string, encoding: PeerEncoding, written: Map<PeerEncoding, Map<string, Buffer | null>>): Buffer | null {
    const frames = written.get(encoding) ?? new Map<string, Buffer | null>();
    written.set(encoding, frames);
    let frame = frames.get(id);
    if (frame === undefined) {
      const device = this.#latest.find(id);
      frame = device === undefined ? null : encoding(device);
      frames.set(id, frame);
    }
    return frame;
  }
}
