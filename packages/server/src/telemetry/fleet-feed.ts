import type { FleetFrame, FleetRow } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { PresenceListener } from "../devices/device-sessions.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { FleetRows } from "../devices/fleet-rows.ts";
import type { Sample } from "../devices/sample.ts";
import { textFrame } from "../link/frame.ts";
import type { SampleSink } from "./sample-sink.ts";
import type { Subscriber } from "./subscriber.ts";

export interface FleetFeedLimits {
  /** How often changes are sent, ms. */
  readonly fleetTickMs: number;
  /** Rows sent in one tick; the rest follows in the next, oldest change first. */
  readonly fleetRowsPerTickMax: number;
}

/** A reader of the fleet, who also tells how much it has not read yet. */
export interface FleetSubscriber extends Subscriber {
  readonly queuedBytes: number;
}

/** Which devices a reader may see. */
export type MayView = (deviceId: string) => boolean;

interface FleetReader {
  /** Ids that the reader has still to be told of: the whole fleet at first, later what a slow one missed. Bounded by the fleet. */
  readonly waiting: Set<string>;
  /** How many there were at first. */
  readonly total: number;
  /** Null: the reader sees all devices, and shares its frames with all others who do. */
  readonly mayView: MayView | null;
}

const rowsPerFrame = 500;
/** A frame is closed when it has this many bytes of rows; with the largest row behind it, it still fits the smallest outbox. */
const rowBytesPerFrame = 24 * 1024;
/** A new reader gets the next part of the fleet while less than this waits for it. */
const queuedBytesMax = 256 * 1024;
/** Parts sent in one turn of the event loop, so that a large fleet does not hold up live samples. */
const partsPerTurnMax = 4;

/** The overview of the fleet, coalesced: however fast the devices send, a page gets each row at most once a tick. */
export class FleetFeed implements SampleSink, PresenceListener {
  readonly #clock: Clock;
  readonly #rows: FleetRows;
  readonly #limits: FleetFeedLimits;
  readonly #subscribers = new Map<FleetSubscriber, FleetReader>();
  /** In order of their oldest unsent change; bounded by the fleet, and empty while nobody watches. */
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #stopTimer: CancelTimer;

  constructor(clock: Clock, rows: FleetRows, limits: FleetFeedLimits) {
    this.#clock = clock;
    this.#rows = rows;
    this.#limits = limits;
    this.#stopTimer = clock.every(limits.fleetTickMs, () => this.#tick());
  }

  /** Sends the new subscriber the whole fleet, or what it may see of it, as fast as it reads, and from now on what changes. */
  subscribe(subscriber: FleetSubscriber, mayView: MayView | null = null): void {
    const ids = [...this.#rows.ids()];
    const waiting = new Set(mayView === null ? ids : ids.filter(mayView));
    this.#subscribers.set(subscriber, { waiting, total: waiting.size, mayView });
    this.#sendParts(subscriber, true);
  }

  unsubscribe(subscriber: FleetSubscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    this.#changed.clear();
    this.#removed.clear();
  }

  accept(device: DeviceState, sample: Sample): void {
    if (device.isNewest(sample)) this.markChanged(device.deviceId);
  }

  presenceChanged(deviceId: string): void {
    this.markChanged(deviceId);
  }

  /** On the hot path: once for every sample. */
  markChanged(deviceId: string): void {
    if (this.#subscribers.size > 0) this.#changed.add(deviceId);
  }

  markRemoved(deviceId: string): void {
    this.#changed.delete(deviceId);
    if (this.#subscribers.size > 0) this.#removed.add(deviceId);
  }

  stop(): void {
    this.#stopTimer();
  }

  #sendParts(subscriber: FleetSubscriber, isFirst = false): void {
    const reader = this.#subscribers.get(subscriber);
    if (reader === undefined) return;
    const { waiting, total } = reader;
    if (waiting.size === 0 && !isFirst) return;
    for (let parts = 0; parts < partsPerTurnMax && subscriber.queuedBytes < queuedBytesMax; parts++) {
      const batch = new RowBatch();
      for (const id of waiting) {
        if (batch.isFull) break;
        waiting.delete(id);
        batch.add(this.#rows.find(id));
      }
      const more = waiting.size > 0;
      subscriber.send(
        batch.encode(`"type":"fleet","server_time_ms":${this.#clock.wallMs()},"more":${more},"total":${total}`),
      );
      if (!more) return;
    }
    // A reader that keeps up goes on at once; a slow one with the next tick.
    if (subscriber.queuedBytes < queuedBytesMax) this.#clock.nextTurn(() => this.#sendParts(subscriber));
  }

  #tick(): void {
    if (this.#subscribers.size === 0) return;
    for (const subscriber of this.#subscribers.keys()) this.#sendParts(subscriber);
    const serverTimeMs = this.#clock.wallMs();
    if (this.#removed.size > 0) {
      const all = removedFrame([...this.#removed], serverTimeMs);
      for (const [subscriber, { mayView }] of this.#subscribers) {
        if (mayView === null) subscriber.send(all);
        else subscriber.send(removedFrame([...this.#removed].filter(mayView), serverTimeMs));
      }
      this.#removed.clear();
    }
    const due = [...this.#changed].slice(0, this.#limits.fleetRowsPerTickMax);
    for (const id of due) this.#changed.delete(id);
    let batch = new RowBatch();
    for (const id of due) {
      if (batch.isFull) {
        this.#publish(batch, serverTimeMs);
        batch = new RowBatch();
      }
      batch.add(this.#rows.find(id));
    }
    // Sent even when empty: the page sees that the server is there, and what time it is.
    this.#publish(batch, serverTimeMs);
  }

  /** A reader that lags gets the rows later, as they are then, instead of more and more old ones. */
  #publish(batch: RowBatch, serverTimeMs: number): void {
    const head = `"type":"changed","server_time_ms":${serverTimeMs}`;
    const all = batch.encode(head);
    for (const [subscriber, { waiting, mayView }] of this.#subscribers) {
      const seen = mayView === null ? batch : batch.filter(mayView);
      if (subscriber.queuedBytes < queuedBytesMax) subscriber.send(mayView === null ? all : seen.encode(head));
      else for (const id of seen.ids) waiting.add(id);
    }
  }
}

function removedFrame(ids: string[], serverTimeMs: number): Buffer {
  const frame: FleetFrame = { type: "removed", server_time_ms: serverTimeMs, device_ids: ids };
  return textFrame(Buffer.from(JSON.stringify(frame)));
}

/** The rows of one frame, bounded in number and in bytes; written out one by one, since only so their bytes are known. */
class RowBatch {
  readonly ids: string[] = [];
  readonly #rows: string[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.#rows.length >= rowsPerFrame || this.#bytes >= rowBytesPerFrame;
  }

  /** A device that is gone by now has no row. */
  add(row: FleetRow | undefined): void {
    if (row === undefined) return;
    const text = JSON.stringify(row);
    this.ids.push(row.id);
    this.#rows.push(text);
    this.#bytes += Buffer.byteLength(text);
  }

  /** The rows of those devices that a reader may see; they are not written out anew. */
  filter(mayView: MayView): RowBatch {
    const seen = new RowBatch();
    for (const [at, id] of this.ids.entries()) {
      if (!mayView(id)) continue;
      seen.ids.push(id);
      seen.#rows.push(this.#rows[at] ?? "");
    }
    return seen;
  }

  /** The frame, with its header. `head` is what a `FleetFrame` has beside its rows, as JSON without braces. */
  encode(head: string): Buffer {
    return textFrame(Buffer.from(`{${head},"devices":[${this.#rows.join(",")}]}`));
  }
}
