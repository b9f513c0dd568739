import { type PointName, pointSpec } from "@wattboard/protocol";
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { serverClock } from "../../api/server-clock.ts";
import { describePower, type PowerPointName } from "../../domain/power.ts";
import { bandPoints, chartPoints, gapSeconds, type PowerHistory } from "../../live/power-history.ts";
import { scaleQuantity } from "../../ui/format-number.ts";
import { formatInstant } from "../../ui/format-time.ts";
import { locale } from "../../ui/locale.ts";
import { marksPlugin, type PlotMark } from "../../ui/plot/marks.ts";
import { colourOf, plotFrame, plotRightPx, silences, yRange } from "../../ui/plot/plot-style.ts";
import { usePlot } from "../../ui/plot/use-plot.ts";
import { useTick } from "../../ui/use-tick.ts";
import styles from "./chart.module.css";
import { ChartMarks } from "./chart-marks.tsx";
import { type BandAxis, StateBand } from "./state-band.tsx";

interface PowerChartProps {
  readonly history: PowerHistory;
  readonly chartMs: number;
  /** Of the device, as in its history below. */
  readonly timeZone: string;
  readonly marks: readonly PlotMark[];
}

export const hueOf: Record<PowerPointName, string> = {
  "solar.power": "solar",
  "load.power": "load",
  "battery.power": "battery",
  "grid.power": "grid",
};

/** The powers of the last minutes. The right edge is the present, so a silent device shows as a line that ends before it. */
export function PowerChart({ history, chartMs, timeZone, marks }: PowerChartProps) {
  useTick(1_000);
  const [hidden, setHidden] = useState<ReadonlySet<PowerPointName>>(new Set());
  const nowMs = serverClock.now();
  const columns = history.columns(nowMs - chartMs);
  const gapS = useRef(5);
  gapS.current = gapSeconds(columns[0]);
  const drawn = useRef(marks);
  drawn.current = marks;
  const { hostRef, plotRef, cursorAt, cursorShare, pointAt } = usePlot(
    (host) => ({ ...powerPlotOptions(host, gapS, timeZone), plugins: [marksPlugin(host, drawn)] }),
    timeZone,
  );

  // After each render: there is one for each new sample and one for each second.
  useEffect(() => {
    const plot = plotRef.current;
    if (plot === null) return;
    plot.batch(() => {
      for (const [index, point] of chartPoints.entries()) {
        const show = !hidden.has(point);
        if (plot.series[index + 1]?.show !== show) plot.setSeries(index + 1, { show });
      }
      plot.setData(columns, false);
      plot.setScale("x", { min: (nowMs - chartMs) / 1_000, max: nowMs / 1_000 });
    });
  });

  const [times] = columns;
  const axis: BandAxis = {
    fromMs: nowMs - chartMs,
    expectedFromMs: nowMs - chartMs,
    passedMs: nowMs,
    toMs: nowMs,
    timeOf: (ms) => formatInstant(ms, nowMs, timeZone),
  };
  const readAt = cursorAt !== null && cursorAt < times.length ? cursorAt : times.length - 1;
  const readTimeS = times[readAt];
  const toggle = (point: PowerPointName) =>
    setHidden((before) => {
      const next = new Set(before);
      if (!next.delete(point)) next.add(point);
      return next;
    });

  return (
    <>
      <div className={styles.legend}>
        {chartPoints.map((point, index) => (
          <button
            key={point}
            type="button"
            data-hue={hueOf[point]}
            aria-pressed={!hidden.has(point)}
            onClick={() => toggle(point)}
            title={pointSpec(point)?.sign ?? ""}
          >
            <span className={styles.swatch} aria-hidden="true" />
            {labelOf(point)}{" "}
            <Reading point={point} signedW={columns[index + 1]?.[readAt] as number | null | undefined} />
          </button>
        ))}
        <span className={styles.time}>
          {readTimeS === undefined ? "" : formatInstant(readTimeS * 1_000, nowMs, timeZone)}
        </span>
      </div>
      <div className={styles.frame}>
        <div
          className={styles.chart}
          ref={hostRef}
          role="img"
          aria-label="Chart of solar, load, battery and grid power"
        />
        <ChartMarks marks={marks} axis={axis} readAt={cursorShare} hostRef={hostRef} timeZone={timeZone} />
        {times.length === 0 && <p className={styles.empty}>No samples in the last {chartMs / 60_000} minutes.</p>}
      </div>
      {bandPoints.map((point) => (
        <StateBand
          key={point}
          point={point}
          runs={history.runs(point, axis.fromMs, gapS.current)}
          axis={axis}
          cursor={{ readAt: cursorShare, onPoint: pointAt }}
        />
      ))}
      <p className="fine">
        Above zero the battery charges and the grid delivers; below zero the battery gives and the grid takes.
      </p>
    </>
  );
}

export function labelOf(point: PointName): string {
  return (pointSpec(point)?.label ?? point).replace(" power", "");
}

function Reading({ point, signedW }: { readonly point: PowerPointName; readonly signedW: number | null | undefined }) {
  if (typeof signedW !== "number") return <b>—</b>;
  const { value, unit } = scaleQuantity(signedW, "W");
  return (
    <b title={describePower(point, signedW).word}>
      {value} {unit}
    </b>
  );
}

function powerPlotOptions(host: HTMLElement, gapS: { readonly current: number }, timeZone: string): uPlot.Options {
  const colour = colourOf(host);
  const { axis, wattAxis } = plotFrame(host);
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone });
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [10, plotRightPx, 0, 0],
    legend: { show: false },
    tzDate: (second) => uPlot.tzDate(new Date(second * 1_000), timeZone),
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: true, auto: false }, y: { range: (_plot, low, high) => yRange(low, high) } },
    axes: [
      { ...axis, size: 28, space: 70, values: (_plot, ticks) => ticks.map((second) => clock.format(second * 1_000)) },
      wattAxis,
    ],
    series: [
      {},
      ...chartPoints.map((point): uPlot.Series => {
        const stroke = colour(`var(--${hueOf[point]})`);
        return {
          label: labelOf(point),
          stroke,
          width: 1.75,
          points: { show: false },
          ...(point === "solar.power" && { fill: colour("var(--solar-wash)") }),
          gaps: (plot, _index, from, to) => silences(plot, gapS.current, from, to),
        };
      }),
    ],
  };
}
