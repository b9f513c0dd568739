import type { DeviceJournal } from "../devices/device-journal.ts";
import type { Dialect } from "../devices/device-session.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { DurabilityWaiter } from "../devices/durability.ts";
import type { Sample } from "../devices/sample.ts";

/** Where a frame comes from, as ingest sees it: one stay of a device on one link. */
export interface Source {
  readonly epoch: number;
  /** What the device speaks. */
  readonly dialect: Dialect;
  nextSeq: number;
  /** What its numbered samples are of; null until the store has answered. */
  readonly journal: DeviceJournal | null;
  /** Who is told when a sample that is not numbered is durable; null: nobody. */
  readonly waiter: DurabilityWaiter | null;
  /** True once a newer session has taken over, or the token was revoked. */
  readonly fenced: boolean;
}

/**
 * Who hears of every accepted sample, in one written order (`app/assemble-telemetry.ts`). On the hot lane: must not throw, wait, or hold on to the
 * frame. Whether it is the device's newest now, `device.isNewest(sample)` tells.
 */
export interface SampleSink {
  accept(device: DeviceState, sample: Sample, frame: Buffer, source: Source): void;
}
