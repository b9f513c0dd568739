import type { EventBody } from "@wattboard/protocol";
import { Link } from "wouter";
import type { RequestFailed } from "../api/request.ts";
import { pagePaths } from "../paths.ts";
import { formatInstant } from "../ui/format-time.ts";
import { Panel } from "../ui/panel.tsx";
import { ageOf, formatAge } from "./age.ts";
import styles from "./event-list.module.css";

interface EventListProps {
  /** Newest first; null before the first answer. */
  readonly events: readonly EventBody[] | null;
  readonly failure: RequestFailed | null;
  readonly nowMs: number;
  /** Of the times; absent: the viewer's. */
  readonly timeZone?: string;
  /** Whether each event names its device, with a link to its page. */
  readonly namesDevice: boolean;
  /** Where all of them are. */
  readonly allAt?: string;
}

/** More would make this a page of its own. */
const shownMax = 20;

/** What a person should know of, such as two devices that share a token. */
export function EventList({ events, failure, nowMs, timeZone, namesDevice, allAt }: EventListProps) {
  return (
    <Panel
      title="Events"
      fills={namesDevice}
      aside={
        failure === null ? (
          allAt !== undefined && <Link href={allAt}>All events</Link>
        ) : (
          <span className="muted">not up to date</span>
        )
      }
    >
      {events === null ? (
        <p className="muted">{failure === null ? "…" : failure.message}</p>
      ) : events.length === 0 ? (
        <p className="muted">Nothing to report.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse.
        <ul className={styles.list} tabIndex={0} aria-label="Events, newest first">
          {events.slice(0, shownMax).map((event) => {
            const atMs = Date.parse(event.at);
            return (
              <li key={`${event.at} ${event.kind} ${event.device_id}`}>
                <time dateTime={event.at} title={formatInstant(atMs, nowMs, timeZone)}>
                  {formatAge(ageOf(atMs, nowMs) ?? 0)}
                </time>
                <span>{namesDevice ? <Told event={event} /> : event.message}</span>
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

/** The message with a link to its device, which most messages begin with. */
function Told({ event: { device_id: id, message } }: { readonly event: EventBody }) {
  if (id === null) return message;
  return (
    <>
      <Link href={pagePaths.device(id)}>{id}</Link>{" "}
      {message.startsWith(`${id} `) || message.startsWith(`${id}: `)
        ? message.slice(id.length + 1).trimStart()
        : message}
    </>
  );
}
