import { quietUntil } from "./quiet-hours.ts";
import type { ChannelScope, NotificationRecord, Preferences } from "./records.ts";

/** Why a notification is collected instead of being sent at once, and until when. */
export type Hold = Pick<NotificationRecord, "heldBecause" | "dueAtMs">;

/** What holds a notification back by the wishes of its person; null: nothing. */
export function holdOf(
  { digestMinutes }: ChannelScope,
  { quietHours, timeZone }: Preferences,
  now: Pick<NotificationRecord, "severity"> & {
    /** What waits for the channel already. */
    readonly open: readonly NotificationRecord[];
    /** Of who has not chosen one. */
    readonly timeZone: string;
    readonly nowMs: number;
  },
): Hold | null {
  const { nowMs } = now;
  const breaksThrough = now.severity === "critical" && quietHours?.critical_breaks_through === true;
  const quietMs = quietHours === null || breaksThrough ? null : quietUntil(nowMs, quietHours, timeZone ?? now.timeZone);
  if (quietMs !== null) return { heldBecause: "quiet_hours", dueAtMs: quietMs };
  if (digestMinutes === 0) return null;
  // A digest goes when the first in it has waited long enough.
  const first = now.open.find(({ heldBecause, messageId }) => heldBecause === "digest" && messageId === null);
  return { heldBecause: "digest", dueAtMs: first?.dueAtMs ?? nowMs + digestMinutes * 60_000 };
}

/** The end of something goes with its beginning, while that is held. */
export function holdWith(beginning: NotificationRecord | undefined): Hold | null {
  if (beginning === undefined || beginning.heldBecause === null || beginning.messageId !== null) return null;
  return { heldBecause: beginning.heldBecause, dueAtMs: beginning.dueAtMs };
}
