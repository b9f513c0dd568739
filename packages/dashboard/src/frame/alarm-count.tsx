import { Link, useLocation } from "wouter";
import { openCount, useOpenAlarms } from "../api/alarms.ts";
import { useMe } from "../api/me.ts";
import { severitiesWorstFirst, severityTone } from "../domain/alarm-words.ts";
import { pagePaths } from "../paths.ts";
import { formatNumber } from "../ui/format-number.ts";
import { Icon } from "../ui/icon.tsx";
import { useTitleCount } from "../ui/use-title.ts";
import styles from "./alarm-count.module.css";

/** There asking would only be told so. */
const whereNobodyIsKnown = ["/sign-in", "/welcome", "/claim"];

/** How many alarms are open, in the line at the top of every page, in the colour of the worst. */
export function AlarmCount() {
  const [location] = useLocation();
  return whereNobodyIsKnown.includes(location) ? null : <KnownCount />;
}

function KnownCount() {
  const me = useMe();
  // Whoever looks at one device by a share link has no page of alarms.
  const isAsked = me !== undefined && me !== null && me.kind !== "share";
  const { body } = useOpenAlarms(isAsked);
  const count = body === null ? 0 : openCount(body.open);
  useTitleCount(count);
  if (body === null) return null;
  const worst = severitiesWorstFirst.find((severity) => body.open[severity] > 0);
  const words = count === 0 ? "No open alarms" : `${formatNumber(count, 0)} open ${count === 1 ? "alarm" : "alarms"}`;
  return (
    <Link
      className={styles.count}
      data-tone={worst === undefined ? "none" : severityTone(worst)}
      href={pagePaths.alarms()}
      aria-label={words}
      title={words}
    >
      <Icon name="bell" size={15} />
      {count > 0 && <span aria-hidden="true">{formatNumber(count, 0)}</span>}
    </Link>
  );
}
