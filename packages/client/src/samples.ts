import type { Telemetry } from "@wattboard/protocol";
import type { Clock } from "./clock.ts";

/**
 * `live`: as the device sends it. `latest`: the newest at a connect, however old. `history`: it was missed, and read from what is stored.
 */
export type SampleOrigin = "live" | "latest" | "history";

/** Where something may be missing, between two samples that came. */
export interface Gap {
  /** The last sample before it. */
  readonly after: Telemetry;
  /** The first sample behind it, which comes next; the same as `after` where the device has sent nothing since. */
  readonly before: Telemetry;
  /** Whether no sample is missing. What else came between, steps of commands and presence, is to be asked of the API in any case. */
  readonly filled: boolean;
}

/** What is known of a sample beside what the device sent. */
export interface SampleInfo {
  readonly origin: SampleOrigin;
  /** When the server received it, ms since 1970; null where an older server does not say. */
  readonly receivedAtMs: number | null;
}

export interface SampleOptions {
  /**
   * Told each sample, in order and once; `text` is the message as the device sent it. Units are V, A, W, Hz, %, °C; a section or value that the device
   * does not have is left out.
   */
  readonly onTelemetry?: (telemetry: Telemetry, text: string, info: SampleInfo) => void;
  /** Told where the server cannot say that nothing was missed: after a connection that was lost for long, or a restart of the server. */
  readonly onGap?: (gap: Gap) => void;
}

/** A sample that came. */
export interface Arrived {
  readonly telemetry: Telemetry;
  readonly text: string;
  readonly info: SampleInfo;
  /** Whether something may be missing before it. */
  readonly isAfterGap: boolean;
}

/** What hands the samples of one stream over. */
export interface Samples {
  take(sample: Arrived): void;
  close(): void;
}

export interface FilledStream extends SampleOptions {
  /** The address of the device's stored samples. */
  readonly samplesUrl: string;
  readonly token?: string | undefined;
  readonly clock: Clock;
}

/** Hands samples over as they come, and tells gaps. */
export function samplesAsTheyCome({ onTelemetry, onGap }: SampleOptions): Samples {
  let last: Arrived | undefined;
  return {
    take(sample) {
      const { telemetry, text, info, isAfterGap } = sample;
      const before = last;
      last = sample;
      if (isAfterGap && before !== undefined) {
        const filled = isSame(before, sample);
        onGap?.({ after: before.telemetry, before: telemetry, filled });
        if (filled) return;
      }
      onTelemetry?.(telemetry, text, info);
    },
    close() {},
  };
}

/** Whether the latest sample at a connect is the one that came last: the device has sent nothing since. */
export function isSame(last: Arrived, latest: Arrived): boolean {
  const { receivedAtMs } = latest.info;
  return receivedAtMs === null ? last.text === latest.text : last.info.receivedAtMs === receivedAtMs;
}
