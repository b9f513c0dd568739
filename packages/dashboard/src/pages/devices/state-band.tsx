import { pointSpec } from "@wattboard/protocol";
import type { PointerEvent } from "react";
import { heldValues, type StateRun, wordOf } from "../../domain/state-runs.ts";
import { formatSpan } from "../../ui/format-time.ts";
import { spelled } from "../../ui/spelled.ts";
import styles from "./state-band.module.css";

/** The axis of the chart above. */
export interface BandAxis {
  readonly fromMs: number;
  /** From when on something is expected in it. */
  readonly expectedFromMs: number;
  /** What has passed of it. */
  readonly passedMs: number;
  /** Its right edge. */
  readonly toMs: number;
  readonly timeOf: (ms: number) => string;
}

/** The cursor that a band shares with the chart above. */
export interface PlotCursor {
  /** Between the left edge, 0, and the right one, 1; null while the cursor is elsewhere. */
  readonly readAt: number | null;
  readonly onPoint: (share: number | null) => void;
}

interface StateBandProps {
  readonly point: string;
  readonly runs: readonly StateRun[];
  readonly axis: BandAxis;
  readonly cursor: PlotCursor;
}

/** Changes that are read aloud: the newest. */
const toldMax = 50;
/** Shorter silences are not worth a word, nor are those that are a small share of the axis: a run begins with the first sample in it. */
const unknownMsMin = 30_000;
const unknownShareMin = 0.002;

/** When a point had which value: a band on the axis of the chart above, and how long each value was held. Where nothing was heard it is empty. */
export function StateBand({ point, runs, axis, cursor }: StateBandProps) {
  const held = heldValues(point, runs);
  // That there was no error needs no band.
  if (held.every(({ tone }) => tone === "none")) return null;
  const tones = new Map(held.map(({ word, tone }) => [word, tone]));
  const { fromMs, expectedFromMs, passedMs, toMs, timeOf } = axis;
  const label = pointSpec(point)?.label ?? spelled(point);
  const place = (ms: number): number => (100 * (Math.min(Math.max(ms, fromMs), toMs) - fromMs)) / (toMs - fromMs);
  const unknownMs = passedMs - Math.max(fromMs, expectedFromMs) - held.reduce((sum, { heldMs }) => sum + heldMs, 0);
  const readMs = cursor.readAt === null ? null : fromMs + cursor.readAt * (toMs - fromMs);
  const read = readMs === null ? undefined : runs.find((run) => run.fromMs <= readMs && readMs <= run.toMs);
  const tell = (run: StateRun): string => `${wordOf(point, run.value)}, ${timeOf(run.fromMs)} to ${timeOf(run.toMs)}`;
  const onMove = ({ currentTarget, clientX }: PointerEvent): void => {
    const { left, width } = currentTarget.getBoundingClientRect();
    cursor.onPoint((clientX - left) / width);
  };
  return (
    <div className={styles.band}>
      <div className={styles.row}>
        <span className={styles.name}>{label}</span>
        <div
          className={styles.strip}
          data-band={point}
          aria-hidden="true"
          onPointerMove={onMove}
          onPointerDown={onMove}
          onPointerLeave={() => cursor.onPoint(null)}
        >
          {runs.map((run) => {
            const word = wordOf(point, run.value);
            if (word === null) return null;
            const from = place(run.fromMs);
            return (
              <span
                key={run.fromMs}
                className={styles.run}
                data-tone={tones.get(word)}
                style={{ left: `${from}%`, width: `${place(run.toMs) - from}%` }}
              />
            );
          })}
          {cursor.readAt !== null && <span className={styles.cursor} style={{ left: `${100 * cursor.readAt}%` }} />}
        </div>
      </div>
      <ul className={styles.values} aria-label={label}>
        {held.map(({ word, tone, heldMs }) => (
          <li key={word} data-tone={tone}>
            {word} <span className="muted">{formatSpan(heldMs)}</span>
          </li>
        ))}
        {unknownMs > Math.max(unknownMsMin, unknownShareMin * (toMs - fromMs)) && (
          <li data-tone="unknown">
            No data <span className="muted">{formatSpan(unknownMs)}</span>
          </li>
        )}
        {readMs !== null && (
          <li className={styles.read}>
            {read === undefined
              ? `${readMs < expectedFromMs ? "Not yet registered" : "No data"} at ${timeOf(readMs)}`
              : tell(read)}
          </li>
        )}
      </ul>
      <Changes label={label} runs={runs} tell={tell} />
    </div>
  );
}

interface ChangesProps {
  readonly label: string;
  readonly runs: readonly StateRun[];
  readonly tell: (run: StateRun) => string;
}

function Changes({ label, runs, tell }: ChangesProps) {
  const newest = runs.slice(-toldMax).reverse();
  return (
    <ol className="sr-only" aria-label={`Changes of ${label}, newest first`}>
      {newest.map((run) => (
        <li key={run.fromMs}>{tell(run)}</li>
      ))}
    </ol>
  );
}
