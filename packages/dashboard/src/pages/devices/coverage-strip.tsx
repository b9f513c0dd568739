import type { HistoryBody } from "@wattboard/protocol";
import { formatAge } from "../../domain/age.ts";
import { formatNumber } from "../../ui/format-number.ts";
import { locale } from "../../ui/locale.ts";
import styles from "./coverage-strip.module.css";

interface CoverageStripProps {
  readonly history: HistoryBody;
  /** The right edge of the chart above. */
  readonly toMs: number;
  /** What has passed of it. */
  readonly nowMs: number;
  readonly timeZone: string;
}

/** How much was measured of the time above: a strip with its gaps, and a sentence. */
export function CoverageStrip({ history, toMs, nowMs, timeZone }: CoverageStripProps) {
  const { share, gaps } = history.coverage;
  const fromMs = Date.parse(history.from);
  const { expected_from } = history.coverage;
  const sinceMs = expected_from === null ? nowMs : Date.parse(expected_from);
  const [longest] = gaps;
  const place = (ms: number): number => (100 * (Math.min(ms, toMs) - fromMs)) / (toMs - fromMs);
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone });
  const lengthOf = (gap: { readonly from: string; readonly to: string }) =>
    formatAge(Date.parse(gap.to) - Date.parse(gap.from));
  const times = gaps.length === 1 ? "one gap" : `${gaps.length === 100 ? "100 gaps or more" : `${gaps.length} gaps`}`;
  return (
    <div>
      <div className={styles.strip} aria-hidden="true">
        <span
          className={styles.there}
          style={{ left: `${place(sinceMs)}%`, width: `${place(nowMs) - place(sinceMs)}%` }}
        />
        {gaps.map((gap) => {
          const [from, to] = [place(Date.parse(gap.from)), place(Date.parse(gap.to))];
          return (
            <span
              key={gap.from}
              className={styles.gap}
              style={{ left: `${from}%`, width: `${to - from}%` }}
              title={`Nothing for ${lengthOf(gap)} from ${day.format(Date.parse(gap.from))}`}
            />
          );
        })}
      </div>
      <p className={`fine ${styles.words}`}>
        {expected_from === null ? (
          "Nothing was expected of the device in this time: it was registered later."
        ) : (
          <>
            <b>{percent(share)}</b> of the expected time was measured
            {longest === undefined
              ? ", without a gap."
              : `; ${times}, the longest of ${lengthOf(longest)} from ${day.format(Date.parse(longest.from))}.`}
          </>
        )}
      </p>
    </div>
  );
}

/** Never rounded up to the whole: `99.9 %` is not all. */
function percent(share: number): string {
  const shown = share === 1 ? 100 : Math.min(99.9, 100 * share);
  return `${formatNumber(shown, shown === 100 ? 0 : 1)} %`;
}
