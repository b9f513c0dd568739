import { Link } from "wouter";
import { openCount, useOpenAlarms } from "../../api/alarms.ts";
import { AlarmLine } from "../../domain/alarm-line.tsx";
import { pagePaths } from "../../paths.ts";
import { formatNumber } from "../../ui/format-number.ts";
import styles from "./fleet-alarms.module.css";

/** More are on their own page. */
const shownMax = 5;

/** What is not as it should be, above all else: the open alarms, the worst first. Nothing where there is none. */
export function FleetAlarms({ nowMs }: { readonly nowMs: number }) {
  const { body } = useOpenAlarms();
  const alarms = body?.alarms ?? [];
  if (body === null || alarms.length === 0) return null;
  const shown = alarms.slice(0, shownMax);
  const more = alarms.length - shown.length;
  const isMore = more > 0 || body.next_cursor !== null;
  return (
    <section className={styles.alarms} aria-labelledby="fleet-alarms">
      <header className={styles.head}>
        <h2 id="fleet-alarms">Alarms</h2>
        <Link href={pagePaths.alarms()}>
          {isMore ? `All ${formatNumber(Math.max(openCount(body.open), alarms.length), 0)} open alarms` : "All alarms"}
        </Link>
      </header>
      <ul>
        {shown.map((alarm) => (
          <li key={alarm.alarm_id}>
            <AlarmLine alarm={alarm} nowMs={nowMs} />
          </li>
        ))}
      </ul>
    </section>
  );
}
