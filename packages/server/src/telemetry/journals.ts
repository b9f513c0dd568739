import {
  type AckFrame,
  type BackfillFrame,
  type GapFrame,
  isRefusal,
  limits,
  type Refusal,
  refuse,
  type SeqRange,
  type Welcome,
} from "@wattboard/protocol";
import { readDeviceTime } from "@wattboard/protocol/constants";
import type { Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import { DeviceJournal, type LostSamples } from "../devices/device-journal.ts";
import type { DeviceSession } from "../devices/device-session.ts";
import type { DeviceSessions } from "../devices/device-sessions.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { FilledSpan } from "../devices/durability.ts";
import type { Sample } from "../devices/sample.ts";
import type { Events } from "../observe/events.ts";
import { Throttle } from "../observe/throttle.ts";
import type { Registration } from "../store/registration.ts";
import type { StoredJournal, StoreWriter } from "../store/store.ts";
import { Acks } from "./acks.ts";
import { type BackfillLimits, BackfillPace } from "./backfill-pace.ts";
import { decode } from "./gatekeeper.ts";
import type { Ingest } from "./ingest.ts";
import type { StoreQueue } from "./store-queue.ts";

/** While the store does not answer, it is asked again this often, ms. */
const retryMs = 1_000;
/** What one device has lost is told so often, ms. */
const lossesToldMs = 10_000;

/** What a hello says of a journal. */
interface Held {
  readonly id: string;
  readonly first_seq: number;
  readonly last_seq: number;
}

interface JournalServices {
  readonly clock: Clock;
  readonly store: StoreWriter;
  readonly storeQueue: StoreQueue;
  readonly registry: DeviceSessions;
  readonly events: Events;
  /** The registration of a device that is connected. */
  readonly registrationOf: (deviceId: string) => Registration | undefined;
  /** Told when backfill of a device is durable. */
  readonly onFilled: (deviceId: string, span: FilledSpan) => void;
}

/** What a device's welcome says besides. */
export interface WelcomeLimits {
  readonly frame_bytes: number;
  readonly messages_per_second: number;
}

/** The journals of devices that number their samples (ADR 70): what is taken of them, what is acknowledged, and what comes late. */
export class Journals {
  readonly #services: JournalServices;
  readonly #ingest: Ingest;
  readonly #pace: BackfillPace;
  readonly #acks: Acks;
  readonly #welcomeLimits: WelcomeLimits;
  readonly #lossesTold: Throttle;
  readonly #deviceOf = new WeakMap<DeviceJournal, DeviceState>();
  /** What was said last by those for whom the store is being asked: once for each, however often they say it. */
  readonly #opening = new WeakMap<DeviceSession, Held>();
  backfilledCount = 0;
  /** Numbers that will never come, as devices have declared. */
  lostCount = 0;

  constructor(services: JournalServices, ingest: Ingest, backfill: BackfillLimits, welcomeLimits: WelcomeLimits) {
    const { clock, storeQueue } = services;
    this.#services = services;
    this.#ingest = ingest;
    this.#welcomeLimits = welcomeLimits;
    this.#lossesTold = new Throttle(clock, lossesToldMs);
    this.#pace = new BackfillPace(clock, backfill, () => storeQueue.isHalfFull);
    this.#acks = new Acks(clock, { acked: (journal, ack) => this.#acked(journal, ack) });
  }

  get ackCount(): number {
    return this.#acks.ackCount;
  }

  get backfillingCount(): number {
    return this.#pace.activeCount;
  }

  stop(): void {
    this.#acks.stop();
    this.#pace.stop();
  }

  /** The device numbers its samples from here on. It is welcomed as soon as it is known what is stored of its journal. */
  hello(device: DeviceState, session: DeviceSession, held: Held): void {
    session.isNumbering = true;
    const known = knownJournal(device, held.id);
    if (known !== null) {
      this.#opening.delete(session);
      this.#welcome(device, session, known, held);
      return;
    }
    // Numbers are of the new journal from here on.
    session.journal = null;
    const isAsked = this.#opening.has(session);
    this.#opening.set(session, held);
    if (isAsked) return;
    // However long the store takes, the device knows that its numbers are understood.
    session.notify?.({ type: "pace", backfill: 0 });
    void this.#open(device, session);
  }

  backfill(device: DeviceState, session: DeviceSession, { samples }: BackfillFrame): Refusal | null {
    const { journal } = session;
    if (journal === null) return refuse("invalid_frame", "backfill comes after the welcome that names the journal.");
    if (!this.#pace.take(session, samples.length)) return refuse("rate_limited", "It is faster than its pace.");
    const nowMs = this.#services.clock.wallMs();
    for (const sample of samples) if (!this.#fill(device, journal, sample, nowMs)) break;
    return null;
  }

  gap(device: DeviceState, session: DeviceSession, { from_seq, to_seq, from, to, reason }: GapFrame): Refusal | null {
    const { journal } = session;
    if (journal === null) return refuse("invalid_frame", "A gap comes after the welcome that names the journal.");
    if (from_seq > to_seq) return refuse("invalid_frame", "from_seq must not be above to_seq.");
    const [fromMs, toMs] = [readDeviceTime(from)?.ms, readDeviceTime(to)?.ms];
    const when =
      fromMs === undefined || toMs === undefined ? "" : `, measured from ${isoTime(fromMs)} to ${isoTime(toMs)}`;
    this.#lose(device, journal, journal.taken.missing(from_seq, to_seq), {
      why: `${lostBecause[reason]}${when}`,
      isExact: reason === "overflow",
    });
    return null;
  }

  async #open(device: DeviceState, session: DeviceSession): Promise<void> {
    const { clock, registry, registrationOf, store } = this.#services;
    const held = this.#opening.get(session);
    const registration = registrationOf(device.deviceId);
    if (session.fenced || held === undefined || registration === undefined) return;
    let stored: StoredJournal;
    try {
      stored = await store.openJournal(registration, held.id, registry.nextEpoch());
    } catch {
      // The store tells by itself that it fails.
      clock.after(retryMs, () => void this.#open(device, session));
      return;
    }
    if (this.#opening.get(session) !== held) {
      await this.#open(device, session);
      return;
    }
    this.#opening.delete(session);
    if (session.fenced) return;
    // Another link of the device may have asked meanwhile.
    const known = knownJournal(device, held.id);
    const journal = known ?? new DeviceJournal(held.id, stored, (each) => this.#acks.note(each));
    this.#deviceOf.set(journal, device);
    this.#welcome(device, session, journal, held);
  }

  #welcome(device: DeviceState, session: DeviceSession, journal: DeviceJournal, held: Held): void {
    session.journal = journal;
    if (device.journal !== journal) {
      device.formerJournal = device.journal;
      device.journal = journal;
    }
    journal.noteHeld(held.last_seq);
    const isKnown = journal.taken.last > 0;
    const before = journal.taken.missing(1, held.first_seq - 1);
    if (isKnown) this.#lose(device, journal, before, { why: "its journal does not go back that far", isExact: true });
    else for (const [from, to] of before) this.#services.storeQueue.pass(device, journal, from, to);
    const { durable } = journal;
    const ranges = durable.behind;
    const isBehind = durable.missing(held.first_seq, held.last_seq).length > 0;
    const welcome: Welcome = {
      type: "welcome",
      server_time: new Date(this.#services.clock.wallMs()).toISOString(),
      epoch: journal.epoch,
      journal_id: journal.id,
      durable_seq: durable.through,
      ...(ranges.length > 0 && { durable_ranges: ranges.map(([from, to]) => [from, to]) }),
      pace: { backfill: this.#pace.begin(session, isBehind) },
      limits: this.#welcomeLimits,
    };
    session.notify?.(welcome);
  }

  /** Stores one sample of before. False: the queue to the store is full, and what follows would not be taken either. */
  #fill(device: DeviceState, journal: DeviceJournal, message: { readonly seq: number }, nowMs: number): boolean {
    const { seq, ...telemetry } = message;
    if (!journal.mayTake(seq)) {
      if (journal.taken.has(seq)) this.#ingest.duplicateCount++;
      return true;
    }
    const { storeQueue } = this.#services;
    const sample = this.#read(device, journal, seq, telemetry, nowMs);
    if (isRefusal(sample)) {
      this.#ingest.drop(device, sample);
      return storeQueue.pass(device, journal, seq, seq);
    }
    if (!storeQueue.append(device, sample.sample, sample.frame, journal, true)) return false;
    journal.taken.add(seq, seq);
    this.backfilledCount++;
    return true;
  }

  #read(
    device: DeviceState,
    { epoch }: DeviceJournal,
    seq: number,
    telemetry: object,
    nowMs: number,
  ): { readonly sample: Sample; readonly frame: Buffer } | Refusal {
    const decoded = decode(device, Buffer.from(JSON.stringify(telemetry)), nowMs);
    if (isRefusal(decoded)) return decoded;
    const { deviceTimeMs, hasTime, values, frame, faults } = decoded;
    if (faults !== null) this.#ingest.countFaults(faults);
    const observedAtMs = deviceTimeMs - device.clock.offsetMs;
    if (!hasTime) return refuse("invalid_timestamp", "A sample of before needs a time of its own.");
    if (Math.abs(nowMs - observedAtMs) > limits.backlogMsMax) {
      return refuse("invalid_timestamp", `${new Date(deviceTimeMs).toISOString()} is too far from now to be believed.`);
    }
    const sample: Sample = {
      deviceId: device.deviceId,
      deviceTimeMs,
      values,
      observedAtMs: Math.min(observedAtMs, nowMs),
      receivedAtMs: nowMs,
      clock: device.clock.offsetMs === 0 ? "device" : "server",
      epoch,
      seq,
      isNumbered: true,
    };
    return { sample, frame };
  }

  /** These numbers are taken without samples, which people are told once that is durable. */
  #lose(
    device: DeviceState,
    journal: DeviceJournal,
    ranges: readonly SeqRange[],
    { why, isExact }: Pick<LostSamples, "why" | "isExact">,
  ): void {
    for (const [from, to] of ranges) {
      if (!journal.mayTake(from) || !this.#services.storeQueue.pass(device, journal, from, to)) return;
      const samples = to - from + 1;
      this.lostCount += samples;
      const before = journal.lost;
      journal.lost = {
        samples: (before?.samples ?? 0) + samples,
        why,
        isExact: isExact && before?.isExact !== false,
      };
    }
  }

  #acked(journal: DeviceJournal, ack: AckFrame): void {
    const device = this.#deviceOf.get(journal);
    if (device === undefined) return;
    const session = this.#services.registry.find(device.deviceId);
    if (session?.journal === journal && !session.fenced) session.notify?.(ack);
    const { filled, lost } = journal;
    journal.filled = null;
    if (filled !== null) this.#services.onFilled(device.deviceId, filled);
    if (lost === null || this.#lossesTold.pass(device.deviceId) === null) return;
    journal.lost = null;
    const { samples, why, isExact } = lost;
    const verb = isExact ? "has" : "may have";
    this.#services.events.report(
      "samples_lost",
      device.deviceId,
      `${device.deviceId} ${verb} lost ${samples} sample${samples === 1 ? "" : "s"}: ${why}.`,
    );
  }
}

function knownJournal({ journal, formerJournal }: DeviceState, id: string): DeviceJournal | null {
  return [journal, formerJournal].find((each) => each?.id === id) ?? null;
}

const lostBecause: Readonly<Record<GapFrame["reason"], string>> = {
  overflow: "its journal was full",
  lost: "its journal is gone",
  damaged: "its journal could not be read",
};
