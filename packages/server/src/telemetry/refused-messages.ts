import type { Refused } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";

/** One reason is told of one device so often, ms, with the number of messages since the last time. */
const tellMs = 10_000;
/** What lasts so long is an event, ms; and so are as many messages at once. */
const lastsMs = 60_000;
const manyMin = 100;
/** After such a pause it begins anew, ms. */
const pauseMs = 5 * 60_000;
/** One reason is an event of one device so often, ms. */
const eventMs = 60 * 60_000;

/** Why a message of a device went no further, or not as it came. */
interface Reason {
  readonly code: string;
  readonly message: string;
}

interface ReasonEntry {
  readonly code: string;
  message: string;
  /** Not told yet. */
  count: number;
  /** Since `sinceMs`. */
  total: number;
  sinceMs: number;
  lastMs: number;
  toldMs: number;
  eventMs: number;
  cancel: CancelTimer | null;
}

/**
 * Tells of what devices sent and was refused: the device itself, the log, and where it lasts an event. A device and a reason have one line of their
 * own, so that none hides another, and the last of a burst is told as the first is. Bounded by the reasons there are for each device.
 */
export class RefusedMessages {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #events: Events;
  readonly #notify: (deviceId: string, frame: Refused) => void;
  readonly #entries = new WeakMap<DeviceState, Map<string, ReasonEntry>>();

  /** `notify` tells the device, where it is connected and understands it. */
  constructor(clock: Clock, log: Log, events: Events, notify: (deviceId: string, frame: Refused) => void) {
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    this.#notify = notify;
  }

  note(device: DeviceState, { code, message }: Reason): void {
    const nowMs = this.#clock.monotonicMs();
    const entry = this.#entryOf(device, code, nowMs);
    if (nowMs - entry.lastMs > pauseMs) {
      entry.sinceMs = nowMs;
      entry.total = 0;
    }
    entry.message = message;
    entry.lastMs = nowMs;
    entry.count++;
    entry.total++;
    const dueMs = entry.toldMs + tellMs - nowMs;
    if (dueMs <= 0) this.#tell(device, entry);
    else entry.cancel ??= this.#clock.after(dueMs, () => this.#tell(device, entry));
  }

  /** Tells the device alone, where somebody else says how often. */
  tellDevice({ deviceId }: DeviceState, { code, message, count }: Reason & { readonly count: number }): void {
    this.#notify(deviceId, { type: "refused", code, message, count });
  }

  #entryOf(device: DeviceState, code: string, nowMs: number): ReasonEntry {
    let entries = this.#entries.get(device);
    if (entries === undefined) {
      entries = new Map();
      this.#entries.set(device, entries);
    }
    let entry = entries.get(code);
    if (entry === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      entry = {
        code,
        message: "",
        count: 0,
        total: 0,
        sinceMs: nowMs,
        lastMs: nowMs,
        toldMs: never,
        eventMs: never,
        cancel: null,
      };
      entries.set(code, entry);
    }
    return entry;
  }

  #tell({ deviceId }: DeviceState, entry: ReasonEntry): void {
    const { code, message, count, total, sinceMs } = entry;
    const nowMs = this.#clock.monotonicMs();
    entry.cancel?.();
    entry.cancel = null;
    entry.toldMs = nowMs;
    entry.count = 0;
    this.#log.warn({ device_id: deviceId, code, count }, `message dropped: ${message}`);
    // What a replaced link still sends is no matter of the link that is there now.
    if (code !== "fenced") this.#notify(deviceId, { type: "refused", code, message, count });
    const isEvent = nowMs - sinceMs >= lastsMs || count >= manyMin;
    if (!isEvent || nowMs - entry.eventMs < eventMs) return;
    entry.eventMs = nowMs;
    this.#events.note(
      "messages_refused",
      deviceId,
      `${total} messages of ${deviceId} were refused within ${Math.ceil((nowMs - sinceMs) / 1_000)} s: ${message}`,
    );
  }
}
