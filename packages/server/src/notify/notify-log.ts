import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import type { NotifyWatch } from "./notifier-parts.ts";
import type { NotifyJournalObserver } from "./notify-journal.ts";

/** Tells the log and the events what no message tells. Addresses of channels do not stand there: they may hold secrets. */
export function logNotifications(
  log: Log,
  events: Events,
): { watch: Omit<NotifyWatch, "escalated">; journalObserver: NotifyJournalObserver; failed(error: unknown): void } {
  return {
    watch: {
      failing: ({ name, person }, cause) =>
        events.report(
          "channel_failing",
          null,
          `${person.name} cannot be told by the channel ${inQuotes(name)}: ${cause}`,
        ),
      recovered: ({ name, person }) =>
        events.note("channel_recovered", null, `${person.name} can be told by the channel ${inQuotes(name)} again.`),
      gaveUp: ({ person, channelName, title, cause }) =>
        events.report(
          "notification_given_up",
          null,
          `${person.name} was not told by the channel ${inQuotes(channelName)}: ${inQuotes(title)}. ${cause}`,
        ),
      reachesNobody: (person, { title }) =>
        events.report(
          "notification_given_up",
          null,
          `Nobody acknowledges, and ${person} cannot be told, since they have no channel or may not see it: ${inQuotes(title)}.`,
        ),
    },
    journalObserver: {
      failed: (error) => log.error({ err: error }, "notifications cannot be stored; they are sent all the same"),
      recovered: () => log.info("notifications are stored again"),
    },
    failed: (error) => log.error({ err: error }, "a notification could not be sent"),
  };
}

function inQuotes(text: string): string {
  return JSON.stringify(text);
}
