import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Log } from "./log.ts";

export type EventKind =
  | "contested"
  | "token_changed"
  | "claim_contested"
  | "store_failing"
  | "store_recovered"
  | "data_dir_gone"
  | "data_dir_back"
  | "samples_unstored"
  | "samples_lost"
  | "store_damaged"
  | "summaries_renewing"
  | "summaries_renewed"
  | "commands_failing"
  | "commands_recovered"
  | "connected"
  | "disconnected"
  | "flapping"
  | "flooding"
  | "messages_refused"
  | "values_left_out"
  | "clock_off"
  | "clock_stepped"
  | "sockets_full"
  | "channel_failing"
  | "channel_recovered"
  | "notification_given_up"
  | "alarm_raised"
  | "alarm_cleared"
  | "alarms_failing"
  | "alarms_recovered";

/** Told of each event of a device, as it is reported. */
export type OnDeviceEvent = (kind: EventKind, deviceId: string, message: string) => void;

export interface RecordedEvent {
  readonly atMs: number;
  readonly kind: string;
  /** Of which registration of a device; null: of the server as a whole. */
  readonly key: string | null;
  readonly message: string;
}

export interface EventsFilter {
  readonly limit: number;
  /** Only stored events with a smaller number: the next page. */
  readonly before?: number | undefined;
  /** Only events of these registrations; those of the server as a whole are of none. */
  readonly keys?: readonly string[] | undefined;
  readonly kind?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** Where events are kept. */
export interface EventStore {
  recordEvents(events: readonly RecordedEvent[]): Promise<void>;
  events(query: EventsFilter): Promise<readonly (RecordedEvent & { readonly number: number })[]>;
}

export interface EventsPage {
  /** Newest first. */
  readonly events: readonly RecordedEvent[];
  /** `before` of the next page; null where this is the last one. */
  readonly next: number | null;
  /** False while the store does not answer: then these are the newest since the start. */
  readonly isComplete: boolean;
}

/** Kept in memory: of all, for when the store does not answer; and of those that it has not taken yet. The oldest go; the log has them. */
const eventsMax = 1_000;
const retryMs = 1_000;
/** Who asks is shown what is in memory when the store takes longer than this. */
const storeMsMax = 1_000;

/** What a person should know of. Written through to the store as soon as it takes them. */
export class Events {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #store: EventStore;
  readonly #keyOf: (deviceId: string) => string;
  #newest: RecordedEvent[] = [];
  #waiting: RecordedEvent[] = [];
  #inFlight: readonly RecordedEvent[] = [];
  #writing: Promise<void> | null = null;
  #cancelRetry: CancelTimer | null = null;
  #isClosed = false;
  #onDeviceEvent: OnDeviceEvent = () => {};

  /** `keyOf` gives the key of a device's registration, or of its last one. */
  constructor(clock: Clock, log: Log, store: EventStore, keyOf: (deviceId: string) => string) {
    this.#clock = clock;
    this.#log = log;
    this.#store = store;
    this.#keyOf = keyOf;
  }

  /** Has the listener told of what devices do, from now on. */
  watch(listener: OnDeviceEvent): void {
    this.#onDeviceEvent = listener;
  }

  /** Keeps an event, and writes it to the log as a warning. */
  report(kind: EventKind, deviceId: string | null, message: string): void {
    this.#log.warn({ event: kind, ...(deviceId !== null && { device_id: deviceId }) }, message);
    this.note(kind, deviceId, message);
  }

  /** Keeps an event whose log line is written elsewhere, or that is no warning. */
  note(kind: EventKind, deviceId: string | null, message: string, atMs: number = this.#clock.wallMs()): void {
    const event = { atMs, kind, key: deviceId === null ? null : this.#keyOf(deviceId), message };
    this.#newest = newestOf([...this.#newest, event]);
    this.#waiting = newestOf([...this.#waiting, event]);
    if (this.#cancelRetry === null) this.#write();
    if (deviceId !== null) this.#onDeviceEvent(kind, deviceId, message);
  }

  async list(filter: EventsFilter): Promise<EventsPage> {
    const stored = await this.#within(this.#ask(filter));
    if (stored === null) {
      const events = this.#newest.filter(matcher(filter)).reverse();
      return { events: events.slice(0, filter.limit), next: null, isComplete: false };
    }
    const isAsked = matcher(filter);
    const isFirstPage = filter.before === undefined;
    const unstored = (isFirstPage ? [...this.#inFlight, ...this.#waiting] : [])
      .filter((event) => isAsked(event) && !stored.some((other) => isSameEvent(event, other)))
      .reverse();
    const shown = stored.slice(0, Math.max(0, filter.limit - unstored.length));
    // Where all room went to those that are not stored yet, the next page begins with the newest that is.
    const next = shown.at(-1)?.number ?? Number.MAX_SAFE_INTEGER;
    const isFull = unstored.length + stored.length >= filter.limit;
    return {
      events: [...unstored, ...shown].slice(0, filter.limit),
      next: isFull ? next : null,
      isComplete: true,
    };
  }

  /** Resolves when the store has what was reported, or has not taken it in that time. */
  async close(graceMs: number): Promise<void> {
    if (this.#writing === null) this.#write();
    await this.#within(this.#writing ?? Promise.resolve(), graceMs);
    this.#isClosed = true;
    this.#cancelRetry?.();
  }

  async #ask(filter: EventsFilter): Promise<readonly (RecordedEvent & { readonly number: number })[]> {
    await this.#writing;
    return this.#store.events(filter);
  }

  #write(): void {
    if (this.#writing !== null || this.#waiting.length === 0) return;
    this.#inFlight = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#store.recordEvents(this.#inFlight).then(
      () => this.#written(true),
      () => this.#written(false),
    );
  }

  #written(isStored: boolean): void {
    this.#writing = null;
    if (!isStored) this.#waiting = newestOf([...this.#inFlight, ...this.#waiting]);
    this.#inFlight = [];
    if (isStored) {
      this.#write();
      return;
    }
    if (this.#isClosed) return;
    this.#cancelRetry = this.#clock.after(retryMs, () => {
      this.#cancelRetry = null;
      this.#write();
    });
  }

  /** What the store answers, or null where it fails or takes too long. */
  #within<T>(answer: Promise<T>, timeMs = storeMsMax): Promise<T | null> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeMs, () => resolve(null));
      answer.then(resolve, () => resolve(null)).finally(cancel);
    });
  }
}

function newestOf(events: RecordedEvent[]): RecordedEvent[] {
  return events.length > eventsMax ? events.slice(-eventsMax) : events;
}

/** Whether an event fits; the keys, which may be a whole fleet's, are looked up and not gone through for each. */
function matcher({ keys, kind, fromMs, toMs }: EventsFilter): (event: RecordedEvent) => boolean {
  const asked = keys === undefined ? null : new Set(keys);
  return (event) =>
    (asked === null || (event.key !== null && asked.has(event.key))) &&
    (kind === undefined || event.kind === kind) &&
    (fromMs === undefined || event.atMs >= fromMs) &&
    (toMs === undefined || event.atMs < toMs);
}

function isSameEvent(a: RecordedEvent, b: RecordedEvent): boolean {
  return a.atMs === b.atMs && a.kind === b.kind && a.key === b.key && a.message === b.message;
}
