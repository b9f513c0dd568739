import type { NotificationBody } from "@wattboard/protocol";
import { Link } from "wouter";
import { serverClock } from "../../../api/server-clock.ts";
import { formatInstant } from "../../../ui/format-time.ts";
import list from "../../../ui/list.module.css";
import { statusWord, titleWords } from "./channel-words.ts";

/** What somebody was told of late, and what became of each. */
export function NotificationList({ notifications }: { readonly notifications: readonly NotificationBody[] }) {
  const nowMs = serverClock.now();
  if (notifications.length === 0) return <p className="muted">You have not been told anything yet.</p>;
  return (
    <table className={list.list}>
      <thead>
        <tr>
          <th>When</th>
          <th>What</th>
          <th>By</th>
          <th>What became of it</th>
        </tr>
      </thead>
      <tbody>
        {notifications.map((each) => (
          <tr key={each.notification_id}>
            <td>
              <time dateTime={each.created_at}>{formatInstant(Date.parse(each.created_at), nowMs)}</time>
            </td>
            <td>
              {each.path === null ? titleWords(each) : <Link href={each.path}>{titleWords(each)}</Link>}
              <span className={list.sub}>{each.severity}</span>
            </td>
            <td data-label="By">{each.channel}</td>
            <td data-label="What became of it">
              {statusWord(each)}
              {each.cause !== null && <span className={list.sub}>{each.cause}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
