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

export interface SampleOptions {
  /**
   * Told each sample, in order and once; `text` is the message as the device sent it. Units are V, A, W, Hz, %, °C; a section or value that the device
   * does not have is left out. `origin`: whether it comes as the device sends it, may be old since it is the latest at a connect, or is from the history.
   */
  readonly onTelemetry?: (telemetry: Telemetry, text: string, origin: SampleOrigin) => void;
  /** Told where the server cannot say that nothing was missed: after a connection that was lost for long, or a restart of the server. */
  readonly onGap?: (gap: Gap) => void;
}

/** A sample that came. */
export interface Arrived {
  readonly telemetry: Telemetry;
  readonly text: string;
  readonly origin: SampleOrigin;
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
  let last: Telemetry | undefined;
  return {
    take({ telemetry, text, origin, isAfterGap }) {
      const after = last;
      last = telemetry;
      if (isAfterGap && after !== undefined) {
        const filled = isSame(after, telemetry);
        onGap?.({ after, before: telemetry, filled });
        if (filled) return;
      }
      onTelemetry?.(telemetry, text, origin);
    },
    close() {},
  };
}

/** Two messages that say the same of the same instant are one: the device has sent nothing since. */
export function isSame(left: Telemetry, right: Telemetry): boolean {
  return left.timestamp !== undefined && JSON.stringify(left) === JSON.stringify(right);
}
