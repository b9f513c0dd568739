import type { AlarmSeverity } from "@wattboard/protocol";

/** `begins`: it is so from now on, also for further devices. `over`: it is so no more. */
type NoticePhase = "begins" | "over";

/**
 * Something that people want to hear of. To tell the same one again does no harm: whoever was told of `about` is not told again, and `over` goes
 * to those alone who were told that it began. One that has come to concern further devices is told again with all of them, and reaches those
 * for whom there was nothing in it before.
 */
export interface Notice {
  /** What it is about, the same for its beginning and its end: an alarm's id. */
  readonly about: string;
  /** How often it has rung: with a higher number everybody is told again, as after a snooze. */
  readonly ring: number;
  readonly phase: NoticePhase;
  readonly severity: AlarmSeverity;
  /** In words, for who may see all of its devices: `41 devices send nothing, all in Uppsala`. */
  readonly title: string;
  /** The same without its devices, for who may see some of them: `No data`. */
  readonly what: string;
  /** What to do about it, as the rule says. */
  readonly text: string;
  /** Since when it is so, ms. */
  readonly sinceMs: number;
  /** When it was over, ms; null while it is not. */
  readonly overMs: number | null;
  /** All that it concerns, those of them included for which it is over; none: it is about the server as a whole. */
  readonly deviceIds: readonly string[];
  /** It names who has which access, and concerns nobody else. */
  readonly forAdministrators: boolean;
  /** The page about it, behind the server's address: `/alarms/alm_5QY2`. */
  readonly path: string;
}

/** Where notices go. Neither waits for anything; what is told is kept by the next commit. */
export interface NoticeSink {
  tell(notice: Notice): void;
  /** Somebody has taken it on: nobody else is told for want of an answer. */
  acknowledged(about: string): void;
  /** What began and is not over, as far as this sink was told: for who compares it with what holds, after a start. */
  open(): readonly Notice[];
}

/** Whether there is nothing in it that was not told before. */
export function isSameNotice(one: Notice, other: Notice): boolean {
  return (
    one.severity === other.severity && one.deviceIds.length === other.deviceIds.length && one.title === other.title
  );
}
