import type { AlarmBody } from "@wattboard/protocol";
import { Link } from "wouter";
import { pagePaths } from "../paths.ts";
import { formatInstant } from "../ui/format-time.ts";
import { Tag } from "../ui/tag.tsx";
import { ageOf, formatAge } from "./age.ts";
import styles from "./alarm-line.module.css";
import { alarmStateWord, severityWord } from "./alarm-words.ts";

interface AlarmLineProps {
  readonly alarm: AlarmBody;
  readonly nowMs: number;
}

/** An alarm in one line: how bad, what, what its devices share, and since when. What somebody has taken on is quieter. */
export function AlarmLine({ alarm, nowMs }: AlarmLineProps) {
  const { alarm_id, severity, state, title, shared, since, acknowledged_by, snoozed_until, cleared_at } = alarm;
  const sinceMs = Date.parse(since);
  return (
    <div className={styles.line} data-severity={severity} data-state={state}>
      <span className={styles.severity}>{severityWord(severity)}</span>
      <span className={styles.what}>
        <Link href={pagePaths.alarm(alarm_id)}>{title}</Link>
        {shared !== null && <span className={styles.shared}>{shared}</span>}
        {state === "acknowledged" && (
          <Tag>{acknowledged_by === null ? "acknowledged" : `taken on by ${acknowledged_by}`}</Tag>
        )}
        {state === "snoozed" && snoozed_until !== null && (
          <Tag>snoozed until {formatInstant(Date.parse(snoozed_until), nowMs)}</Tag>
        )}
        {state === "cleared" && <Tag>{alarmStateWord(state).toLowerCase()}</Tag>}
      </span>
      <time dateTime={since} title={formatInstant(sinceMs, nowMs)}>
        {cleared_at === null ? <>for {formatAge(ageOf(sinceMs, nowMs) ?? 0)}</> : formatInstant(sinceMs, nowMs)}
      </time>
    </div>
  );
}
