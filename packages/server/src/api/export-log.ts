import type { ExportBody, exportOutcomes } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";

/** An export that runs, or ran. */
export interface LoggedExport {
  /** Who asked, and from where: theirs alone is it to see. */
  readonly requester: string;
  readonly by: string;
  readonly deviceCount: number;
  /** Where it is of one alone. */
  readonly deviceId: string | null;
  readonly format: string;
  /** 0: from the first sample on. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly startedAtMs: number;
  endedAtMs: number | null;
  bytes: number;
  outcome: (typeof exportOutcomes)[number];
  leftOut: string;
}

/** Exports that have ended are remembered up to this many, the newest; in memory, since a file that somebody has needs no history. */
const endedMax = 50;

/** The exports that run, and the newest of those that have ended: a browser shows neither what it has got so far nor what was left out of it. */
export class ExportLog {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #exports = new Set<LoggedExport>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(
    about: Pick<LoggedExport, "requester" | "by" | "deviceCount" | "deviceId" | "format" | "fromMs" | "toMs">,
  ): LoggedExport {
    const begun: LoggedExport = {
      ...about,
      startedAtMs: this.#clock.wallMs(),
      endedAtMs: null,
      bytes: 0,
      outcome: "running",
      leftOut: "",
    };
    this.#exports.add(begun);
    return begun;
  }

  end(ended: LoggedExport): void {
    ended.endedAtMs = this.#clock.wallMs();
    if (ended.outcome === "running") ended.outcome = "left";
    const all = [...this.#exports].filter(({ endedAtMs }) => endedAtMs !== null);
    for (const old of all.slice(0, -endedMax)) this.#exports.delete(old);
  }

  /** How many run, of one who asks, or in all. */
  runningCount(requester?: string): number {
    let count = 0;
    for (const each of this.#exports) {
      if (each.endedAtMs === null && (requester === undefined || each.requester === requester)) count++;
    }
    return count;
  }

  /** Of one who asks, or all of them; the newest first. */
  list(requester?: string): LoggedExport[] {
    return [...this.#exports].filter((each) => requester === undefined || each.requester === requester).reverse();
  }
}

export function exportBody(logged: LoggedExport): ExportBody {
  const { fromMs, toMs, startedAtMs, endedAtMs } = logged;
  return {
    by: logged.by,
    devices: logged.deviceCount,
    device_id: logged.deviceId,
    format: logged.format,
    from: fromMs === 0 ? null : isoTime(fromMs),
    to: isoTime(toMs),
    started_at: isoTime(startedAtMs),
    ended_at: endedAtMs === null ? null : isoTime(endedAtMs),
    bytes: logged.bytes,
    outcome: logged.outcome,
    left_out: logged.leftOut,
  };
}
