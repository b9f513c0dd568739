import type { RefObject } from "react";
import { locale } from "../../ui/locale.ts";
import { marksNear, type PlotMark } from "../../ui/plot/marks.ts";
import styles from "./chart-marks.module.css";

interface ChartMarksProps {
  readonly marks: readonly PlotMark[];
  readonly axis: { readonly fromMs: number; readonly toMs: number };
  /** Where the cursor is, 0 to 1; null where it is elsewhere. */
  readonly readAt: number | null;
  readonly hostRef: RefObject<HTMLElement | null>;
  readonly timeZone: string;
}

/** Marks that are shown beside the cursor, and read aloud, at most. */
const shownMax = 3;
const toldMax = 50;

/** What the marks of a chart are: those at the cursor, and all of them for whoever has them read aloud. */
export function ChartMarks({ marks, axis, readAt, hostRef, timeZone }: ChartMarksProps) {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", timeZone });
  const inView = marks.filter(({ atMs, toMs }) => (toMs ?? atMs) >= axis.fromMs && atMs <= axis.toMs);
  const near = marksNear(inView, { ...axis, widthPx: hostRef.current?.clientWidth ?? 0 }, readAt);
  const words = ({ atMs, label }: PlotMark) => `${format.format(atMs)}: ${label}`;
  return (
    <>
      {near.length > 0 && (
        <ul className={styles.near} aria-hidden="true">
          {near.slice(0, shownMax).map((mark) => (
            <li key={words(mark)} data-tone={mark.tone}>
              {words(mark)}
            </li>
          ))}
          {near.length > shownMax && <li>and {near.length - shownMax} more</li>}
        </ul>
      )}
      {inView.length > 0 && (
        <ol className="sr-only" aria-label="Alarms and events in the chart">
          {inView
            .toSorted((one, other) => other.atMs - one.atMs)
            .slice(0, toldMax)
            .map((mark, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two events of the same instant may read the same.
              <li key={`${words(mark)} ${at}`}>{words(mark)}</li>
            ))}
        </ol>
      )}
    </>
  );
}
