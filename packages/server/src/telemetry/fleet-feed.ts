import { type FleetFrame, type FleetPoint, type FleetRow, fleetPoints, type Scalar } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { textFrame } from "../link/frame.ts";
import type { Subscriber } from "./fanout.ts";
import type { Latest } from "./latest.ts";
import { pointValue, type Values } from "./reading.ts";

/** What the feed needs to know of a device beside its samples. */
export interface FleetDirectory {
  /** Name and properties of a registered device. */
  find(deviceId: string): { readonly name: string; readonly properties: Readonly<Record<string, string>> } | undefined;
  ids(): Iterable<string>;
  isOnline(deviceId: string): boolean;
}

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

interface Reader {
  /** Ids that the reader has still to be told of: the whole fleet at first, later what a slow one missed. Bounded by the fleet. */
  readonly waiting: Set<string>;
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
export class FleetFeed {
  readonly #clock: Clock;
  readonly #latest: Latest;
  readonly #directory: FleetDirectory;
  readonly #limits: FleetFeedLimits;
  readonly #subscribers = new Map<FleetSubscriber, Reader>();
  /** In order of their oldest unsent change; bounded by the fleet, and empty while nobody watches. */
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #stopTimer: CancelTimer;

  constructor(clock: Clock, latest: Latest, directory: FleetDirectory, limits: FleetFeedLimits) {
    this.#clock = clock;
    this.#latest = latest;
    this.#directory = directory;
    this.#limits = limits;
    this.#stopTimer = clock.every(limits.fleetTickMs, () => this.#tick());
  }

  /** Sends the new subscriber the whole fleet, or what it may see of it, as fast as it reads, and from now on what changes. */
  subscribe(subscriber: FleetSubscriber, mayView: MayView | null = null): void {
    const ids = [...this.#directory.ids()];
    const waiting = new Set(mayView === null ? ids : ids.filter(mayView));
    this.#subscribers.set(subscriber, { waiting, mayView });
    this.#sendParts(subscriber, true);
  }

  unsubscribe(subscriber: FleetSubscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    this.#changed.clear();
    this.#removed.clear();
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
    const waiting = this.#subscribers.get(subscriber)?.waiting;
    if (waiting === undefined || (waiting.size === 0 && !isFirst)) return;
    for (let parts = 0; parts < partsPerTurnMax && subscriber.queuedBytes < queuedBytesMax; parts++) {
      const batch = new RowBatch();
      for (const id of waiting) {
        if (batch.isFull) break;
        waiting.delete(id);
        batch.add(this.#row(id));
      }
      const more = waiting.size > 0;
      subscriber.send(batch.encode(`"type":"fleet","server_time_ms":${this.#clock.wallMs()},"more":${more}`));
      if (!more) return;
    }
    // A reader that keeps up goes on at once; a slow one with the next tick.
    if (subscriber.queuedBytes < queuedBytesMax) setImmediate(() => this.#sendParts(subscriber));
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
      batch.add(this.#row(id));
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

  #row(id: string): FleetRow | undefined {
    const registration = this.#directory.find(id);
    if (registration === undefined) return undefined;
    const reading = this.#latest.find(id)?.latest;
    const values = reading?.values ?? {};
    const flags = pointValue(values, "system_status", "error_flags");
    return {
      id,
      name: registration.name,
      online: this.#directory.isOnline(id),
      properties: registration.properties,
      observed_at_ms: reading?.observedAtMs ?? null,
      received_at_ms: reading?.receivedAtMs ?? null,
      clock: reading?.clock ?? "device",
      // The gatekeeper has checked both against the protocol's lists.
      state: (pointValue(values, "system_status", "state") ?? null) as FleetRow["state"],
      mode: (pointValue(values, "system_status", "mode") ?? null) as FleetRow["mode"],
      error_flags: Array.isArray(flags) ? flags : [],
      points: fleetPointsOf(values),
      others: otherPointsOf(values),
    };
  }
}

function removedFrame(ids: string[], serverTimeMs: number): Buffer {
  const frame: FleetFrame = { type: "removed", server_time_ms: serverTimeMs, device_ids: ids };
  return textFrame(Buffer.from(JSON.stringify(frame)));
}

const pointPaths = fleetPoints.map((name) => [name, ...name.split(".")] as [FleetPoint, string, string]);

function fleetPointsOf(values: Values): Partial<Record<FleetPoint, number>> {
  const found: Partial<Record<FleetPoint, number>> = {};
  for (const [name, section, field] of pointPaths) {
    const value = pointValue(values, section, field);
    if (typeof value === "number") found[name] = value;
  }
  return found;
}

/** What stands in a row under a name of its own. */
const toldApart: ReadonlySet<string> = new Set([
  ...fleetPoints,
  "device_id",
  "timestamp",
  "system_status.state",
  "system_status.mode",
]);

/** Bounded by the message that they came in. Lists, such as error flags, are no scalars, and not among them. */
function otherPointsOf(values: Values): Record<string, Scalar> {
  const found: Record<string, Scalar> = {};
  for (const section in values) {
    const body = values[section] ?? null;
    if (typeof body !== "object" || body === null) {
      if (!toldApart.has(section)) found[section] = body;
      continue;
    }
    for (const field in body) {
      const name = `${section}.${field}`;
      const value = body[field] ?? null;
      if (!toldApart.has(name) && (typeof value !== "object" || value === null)) found[name] = value;
    }
  }
  return found;
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
