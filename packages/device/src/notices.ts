import type { Clock } from "./clock.ts";
import type { DeviceNotice, NoticeCode } from "./device-notice.ts";

/** A notice that could come with every sample comes at most once in this time. */
const noticeEveryMs = 10_000;

/** Tells what a person should know. */
export class Notices {
  readonly #deviceId: string;
  readonly #clock: Clock;
  readonly #log: (notice: DeviceNotice) => void;
  readonly #toldAtMs: Partial<Record<NoticeCode, number>> = {};

  constructor(deviceId: string, clock: Clock, log: ((notice: DeviceNotice) => void) | undefined) {
    this.#deviceId = deviceId;
    this.#clock = clock;
    this.#log = log ?? logToStderr;
  }

  tell(level: DeviceNotice["level"], code: NoticeCode, message: string, error?: unknown): void {
    const notice = { deviceId: this.#deviceId, level, code, message, ...(error !== undefined && { error }) };
    try {
      this.#log(notice);
    } catch {
      // A log that fails has nowhere to be told, and must not take the device down.
    }
  }

  /** For what could come with every sample. */
  tellSometimes(level: DeviceNotice["level"], code: NoticeCode, message: string, error?: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#toldAtMs[code] ?? Number.NEGATIVE_INFINITY) < noticeEveryMs) return;
    this.#toldAtMs[code] = nowMs;
    this.tell(level, code, message, error);
  }
}

function logToStderr({ deviceId, level, message, error }: DeviceNotice): void {
  console.error(`wattboard ${deviceId} ${level}: ${message}`, ...(error === undefined ? [] : [error]));
}
