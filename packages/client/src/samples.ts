import type { Telemetry } from "@wattboard/protocol";
import type { Clock } from "./clock.ts";

/**
 * `live`: as the device sends it. `latest`: the newest at a connect, however old, before which something may be missing. `history`: it was missed, and read from what is stored.
 */
export type SampleOrigin = "live" | "latest" | "history";

/** Where something may be missing, between two samples that came. */
export interface StreamGap {
  /** The last sample before it. */
  readonly after: Telemetry;
  /** The first sample behind it, which comes next; or, where the server knows nothing newer than what came before, the newest that it knows, which does not come again. */
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
  readonly onGap?: (gap: StreamGap) => void;
}

/** A sample that came. */
export interface Arrived {
  readonly telemetry: Telemetry;
  readonly text: string;
  readonly info: SampleInfo;
}

/** What hands the samples of one stream over. */
export interface Samples {
  take(sample: Arrived): void;
  close(): void;
}

export interface FilledStream extends SampleOptions {
  /** At the dashboard door. */
  readonly address: string;
  readonly token?: string | undefined;
  readonly clock: Clock;
}

/** Hands samples over as they come, and tells gaps. */
export function samplesAsTheyCome({ onTelemetry, onGap }: SampleOptions): Samples {
  const noted = new Noted();
  return {
    take(sample) {
      const { telemetry, text, info } = sample;
      const { last } = noted;
      if (info.origin === "latest" && last !== undefined) {
        onGap?.({ after: last.telemetry, before: telemetry, filled: noted.has(sample) });
        if (noted.isOld(sample)) return;
      }
      noted.add(sample);
      onTelemetry?.(telemetry, text, info);
    },
    close() {},
  };
}

/** Samples by which those that were handed over are known again. */
const notedMax = 300;

/** What was handed over last. */
export class Noted {
  last: Arrived | undefined;
  /** When the samples had been received, the newest last. */
  readonly receivedAtMs: number[] = [];

  add(sample: Arrived): void {
    this.last = sample;
    const { receivedAtMs } = sample.info;
    if (receivedAtMs !== null) this.receivedAtMs.push(receivedAtMs);
    if (this.receivedAtMs.length > notedMax) this.receivedAtMs.shift();
  }

  /** Whether the latest sample at a connect was handed over before: the device has sent nothing since, or the server has lost it. */
  has({ info, text }: Arrived): boolean {
    return info.receivedAtMs === null ? this.last?.text === text : this.receivedAtMs.includes(info.receivedAtMs);
  }

  /** Whether it says nothing new: it was handed over, or is older than what was. */
  isOld(sample: Arrived): boolean {
    return this.has(sample) || (sample.info.receivedAtMs ?? Infinity) < (this.last?.info.receivedAtMs ?? 0);
  }
}
