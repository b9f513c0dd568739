import type { CancelTimer, Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { Events } from "../observe/events.ts";
import { type Health, publicFault } from "../observe/health.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { StoreDamage, StoreRenewal } from "../store/store.ts";
import type { StoreQueue, StoreQueueObserver } from "./store-queue.ts";

/** A store that has not answered for so long, ms, counts as failing; it is looked at this often. */
const silentMsMax = 5_000;
const lookMs = 1_000;

interface StoreWatchServices {
  readonly clock: Clock;
  readonly devices: Pick<DeviceRegistry, "findRegistered">;
  readonly events: Events;
  readonly health: Health;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly throttle: Throttle;
}

export interface StoreWatchSettings {
  readonly queueBytesMax: number;
  /** Whoever may see all reads the events; where a database stands is for the log. */
  readonly mayTellReason: boolean;
}

/** Whether the store takes samples, and whether it can read them: to the log, the events, the metrics and the health page. */
export class StoreWatch implements StoreQueueObserver {
  readonly #services: StoreWatchServices;
  readonly #settings: StoreWatchSettings;
  #stopTimer: CancelTimer = () => {};
  unstoredCount = 0;
  /** When the store took samples last; null before it has. */
  storedAtMs: number | null = null;
  /** The share of the summaries that are made anew which is done; 1 where none are, as far as the store has told. */
  renewedShare = 1;

  constructor(services: StoreWatchServices, settings: StoreWatchSettings) {
    this.#services = services;
    this.#settings = settings;
  }

  /** Notices from now on where the store does not answer the queue. */
  watch(queue: StoreQueue): void {
    this.#stopTimer = this.#services.clock.every(lookMs, () => {
      if (queue.unansweredMs < silentMsMax) return;
      this.failing(new Failure("store_busy", `The store has not answered for ${silentMsMax / 1_000} s.`));
    });
  }

  stop(): void {
    this.#stopTimer();
  }

  committed(samples: number, tookMs: number, queuedBytes: number): void {
    const { clock, metrics } = this.#services;
    const { store } = metrics;
    this.storedAtMs = clock.wallMs();
    store.commitSeconds.observe(tookMs / 1_000);
    store.committed.inc(samples);
    // A store that only just keeps up with a full queue has not recovered; half empty it has, and does not flap.
    if (queuedBytes <= this.#settings.queueBytesMax / 2) this.recovered();
  }

  failed(error: unknown): void {
    this.#services.metrics.store.failures.inc();
    this.failing(error);
  }

  unstored(samples: number): void {
    const { events, health, throttle } = this.#services;
    this.unstoredCount += samples;
    // Each time, not only when an event is due: the queue may have been emptied and be full again.
    health.noteStore("the queue to the store is full");
    if (throttle.pass("unstored") === null) return;
    events.report(
      "samples_unstored",
      null,
      `The queue to the store is full: samples are shown but not stored (${this.unstoredCount} so far).`,
    );
  }

  failing(error: unknown): void {
    const { events, health, log } = this.#services;
    const reason = error instanceof Error ? error.message : String(error);
    const fault = publicFault(error);
    if (!health.noteStore(fault)) return;
    log.error({ reason }, "the store does not take samples");
    const shown = this.#settings.mayTellReason ? reason : `The database: ${fault}.`;
    events.report("store_failing", null, `${shown} Live delivery goes on; samples wait, and are tried again.`);
  }

  recovered(): void {
    const { events, health } = this.#services;
    if (health.noteStore(null)) events.report("store_recovered", null, "The store takes samples again.");
  }

  renewing({ done, total }: StoreRenewal): void {
    const { events } = this.#services;
    const isDone = done >= total;
    if (!isDone && this.renewedShare === 1) {
      const words =
        "Summaries of before are made anew by today's rule of what was measured. Until that is done, energy and coverage of those days are as the rule of before had them.";
      events.report("summaries_renewing", null, words);
    }
    this.renewedShare = isDone ? 1 : done / total;
    if (isDone)
      events.report("summaries_renewed", null, "All summaries are made by today's rule of what was measured.");
  }

  damaged({ key, message }: StoreDamage): void {
    const { devices, events, metrics, throttle } = this.#services;
    // Of what another had under the id of a device, that device's page tells nothing.
    const deviceId = (key === null ? undefined : devices.findRegistered(key)?.deviceId) ?? null;
    metrics.store.damages.inc();
    // A disk that fails has many places; the log and the events have one of a device's, and `store verify` names all.
    const suppressed = throttle.pass(`damaged ${key}`);
    if (suppressed === null) return;
    const more = suppressed === 0 ? "" : ` ${suppressed} more since the last time.`;
    const told = `Stored data cannot be read: ${message}.${more} See: wattboard store verify`;
    events.report("store_damaged", deviceId, told);
  }
}
