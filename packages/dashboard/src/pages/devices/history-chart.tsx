import type { HistoryBody } from "@wattboard/protocol";
import { type ReactNode, useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { chartPoints } from "../../live/power-history.ts";
import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";
import { locale } from "../../ui/locale.ts";
import { marksPlugin, type PlotMark } from "../../ui/plot/marks.ts";
import { breaks, colourOf, plotFrame, plotRightPx, yRange } from "../../ui/plot/plot-style.ts";
import { usePlot } from "../../ui/plot/use-plot.ts";
import styles from "./chart.module.css";
import { ChartMarks } from "./chart-marks.tsx";
import { hueOf, labelOf } from "./power-chart.tsx";
import type { PlotCursor } from "./state-band.tsx";

const lines = [...chartPoints, "battery.soc"] as const;
type ChartLine = (typeof lines)[number];
type Column = (number | null)[];
/** A device may leave a point out of a message, and the line goes on for so long, s. */
const leftOutS = 30;

/** The points that the chart asks the API for. */
export const historyPoints: string = lines.join(",");

interface HistoryChartProps {
  readonly history: HistoryBody;
  readonly timeZone: string;
  /** The right edge, which may lie ahead. */
  readonly toMs: number;
  readonly marks: readonly PlotMark[];
  /** What stands below on the same axis, given where the cursor is and how to move it. */
  readonly below: (cursor: PlotCursor) => ReactNode;
}

/** Means over time, with the span from the least to the greatest value behind them. Where nothing was measured there is no line. */
export function HistoryChart({ history, timeZone, toMs, marks, below }: HistoryChartProps) {
  const isBroken = useRef<IsBroken>(() => false);
  const [hidden, setHidden] = useState<ReadonlySet<ChartLine>>(new Set());
  const columns = chartColumns(history);
  const fromMs = Date.parse(history.from);
  isBroken.current = breaksOf(history, columns[0]);
  const drawn = useRef(marks);
  drawn.current = marks;
  const { hostRef, plotRef, cursorAt, cursorShare, pointAt } = usePlot(
    (host) => ({ ...historyPlotOptions(host, timeZone, isBroken), plugins: [marksPlugin(host, drawn)] }),
    timeZone,
  );

  useEffect(() => {
    const plot = plotRef.current;
    if (plot === null) return;
    plot.batch(() => {
      for (const [index, line] of lines.entries()) {
        const show = !hidden.has(line);
        for (const series of [1, 2, 3].map((part) => 3 * index + part)) {
          if (plot.series[series]?.show !== show) plot.setSeries(series, { show });
        }
      }
      plot.setData(columns, false);
      plot.setScale("x", { min: fromMs / 1_000, max: toMs / 1_000 });
    });
  });

  const toggle = (line: ChartLine) =>
    setHidden((before) => {
      const next = new Set(before);
      if (!next.delete(line)) next.add(line);
      return next;
    });
  const readAt = cursorAt !== null && cursorAt < columns[0].length ? cursorAt : null;
  const at = readAt === null ? undefined : history.at[readAt];

  return (
    <>
      <div className={styles.legend}>
        {lines.map((line, index) => {
          const [least, mean, greatest] = [1, 2, 3].map((part) =>
            readAt === null ? null : columns[3 * index + part]?.[readAt],
          );
          return (
            <button
              key={line}
              type="button"
              data-hue={line === "battery.soc" ? "soc" : hueOf[line]}
              aria-pressed={!hidden.has(line)}
              onClick={() => toggle(line)}
              {...(typeof least === "number" &&
                typeof greatest === "number" && { title: `${inUnit(line, least)} to ${inUnit(line, greatest)}` })}
            >
              <span className={styles.swatch} aria-hidden="true" />
              {labelOf(line)} <b>{typeof mean === "number" ? inUnit(line, mean) : ""}</b>
            </button>
          );
        })}
      </div>
      <div className={styles.frame}>
        <span className={styles.time}>{at === undefined ? "" : timeIn(timeZone, Date.parse(at))}</span>
        <div
          className={styles.chart}
          ref={hostRef}
          role="img"
          aria-label="Chart of powers and the state of charge over time"
        />
        <ChartMarks marks={marks} axis={{ fromMs, toMs }} readAt={cursorShare} hostRef={hostRef} timeZone={timeZone} />
        {columns[0].length === 0 && <p className={styles.empty}>Nothing was measured in this time.</p>}
      </div>
      {below({ readAt: cursorShare, onPoint: pointAt })}
    </>
  );
}

function inUnit(line: ChartLine, value: number): string {
  if (line === "battery.soc") return `${formatNumber(value, 0)} %`;
  const quantity = scaleQuantity(value, "W");
  return `${quantity.value} ${quantity.unit}`;
}

export function timeIn(timeZone: string, atMs: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone }).format(atMs);
}

/** Times in seconds, the middle of each bucket; then least, mean and greatest value of each line. */
function chartColumns(history: HistoryBody): [number[], ...Column[]] {
  const toMs = Date.parse(history.to);
  const times = history.at.map((text) => {
    const fromMs = Date.parse(text);
    // The last bucket may be cut off by the end of the range.
    const endMs = history.resolution === "buckets" ? Math.min(toMs, fromMs + history.bucket_ms) : fromMs;
    return (fromMs + endMs) / 2_000;
  });
  const none = times.map(() => null);
  return [
    times,
    ...lines.flatMap((line): Column[] => {
      if (history.resolution === "raw") return [none, [...(history.points[line]?.values ?? none)], none];
      const { min, avg, max } = history.points[line] ?? { min: none, avg: none, max: none };
      return [[...min], [...avg], [...max]];
    }),
  ];
}

/** Whether nobody may say what was between two places of a line that follow each other. */
type IsBroken = (before: number, after: number) => boolean;

/**
 * Lines break where the coverage says that there is a gap, and where the device has sent, but not this point. A device that sends less often than
 * there are buckets leaves some of them empty, and its line goes on.
 */
function breaksOf(history: HistoryBody, times: readonly number[]): IsBroken {
  const gaps = history.coverage.gaps.map(({ from, to }) => [Date.parse(from) / 1_000, Date.parse(to) / 1_000] as const);
  return (before, after) => {
    const [fromS, toS] = [times[before] as number, times[after] as number];
    if (history.resolution === "buckets") {
      if (after === before + 1) return false;
      if (history.samples.slice(before + 1, after).some((count) => count > 0)) return true;
    } else if (after > before + 1 && toS - fromS > leftOutS) return true;
    return gaps.some(([gapFromS, gapToS]) => gapFromS < toS && gapToS > fromS);
  };
}

function historyPlotOptions(
  host: HTMLElement,
  timeZone: string,
  isBroken: { readonly current: IsBroken },
): uPlot.Options {
  const colour = colourOf(host);
  const { axis, wattAxis } = plotFrame(host);
  const gaps: uPlot.Series["gaps"] = (plot, index, from, to) => breaks(plot, index, isBroken.current, from, to);
  const bound: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false }, gaps };
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [10, 0, 0, 0],
    legend: { show: false },
    tzDate: (second) => uPlot.tzDate(new Date(second * 1_000), timeZone),
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, auto: false },
      y: { range: (_plot, low, high) => yRange(low, high) },
      share: { range: [0, 108] },
    },
    axes: [
      { ...axis, size: 28, space: 64, values: timeTicks(timeZone) },
      wattAxis,
      {
        ...axis,
        side: 1,
        scale: "share",
        size: plotRightPx,
        grid: { show: false },
        splits: [0, 50, 100],
        values: (_plot, ticks) => ticks.map((tick) => `${tick} %`),
      },
    ],
    series: [
      {},
      ...lines.flatMap((line): uPlot.Series[] => {
        const isShare = line === "battery.soc";
        const scale = isShare ? "share" : "y";
        const stroke = colour(isShare ? "var(--ink-3)" : `var(--${hueOf[line]})`);
        const mean = { stroke, scale, width: isShare ? 1.25 : 1.75, points: { show: false }, gaps };
        return [{ ...bound, scale }, isShare ? { ...mean, dash: [5, 4] } : mean, { ...bound, scale }];
      }),
    ],
    bands: chartPoints.map((point, index) => ({
      series: [3 * index + 3, 3 * index + 1],
      fill: colour(`color-mix(in srgb, var(--${hueOf[point]}) 9%, transparent)`),
    })),
  };
}

/** Hours within days, days within months, months above that. */
function timeTicks(timeZone: string): uPlot.Axis.DynamicValues {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, timeZone });
  const hour = format({ hour: "2-digit", minute: "2-digit" });
  const day = format({ day: "numeric", month: "short" });
  const month = format({ month: "short" });
  const dayS = 86_400;
  return (_plot, ticks, _axis, _space, stepS) =>
    ticks.map((second) => (stepS < dayS ? hour : stepS < 28 * dayS ? day : month).format(second * 1_000));
}
