import { type FleetRow, pointSpec, type SampleBody } from "@wattboard/protocol";
import { useEffect, useState } from "react";
import type uPlot from "uplot";
import { Link } from "wouter";
import { getJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { buttonLook } from "../../ui/button.tsx";
import { scaleQuantity } from "../../ui/format-number.ts";
import { colourOf, plotFrame, silences, yRange } from "../../ui/plot/plot-style.ts";
import { usePlot } from "../../ui/plot/use-plot.ts";
import { useTick } from "../../ui/use-tick.ts";
import styles from "./fleet-trend.module.css";
import { TrendHistory, trendMs, trendPoints } from "./trend-history.ts";

const hues = ["solar", "inverter", "load", "battery", "grid"] as const;
/** A silence longer than this breaks a line. A device that sends on change is silent while nothing changes. */
const gapS = 10;

/** The powers of one device over the last 30 seconds: what is stored of them, and then each live row. The right edge is the present. */
export function FleetTrend({ row }: { readonly row: FleetRow }) {
  useTick(500);
  const [history] = useState(() => new TrendHistory());
  const [seed, setSeed] = useState<"waiting" | "there" | "failed">("waiting");
  const { hostRef, plotRef } = usePlot(trendPlotOptions);
  history.addRow(row);

  useEffect(() => {
    const stop = new AbortController();
    const nowMs = serverClock.now();
    const path = apiPaths.samples(row.id, { from: rfc3339(nowMs - trendMs), to: rfc3339(nowMs), limit: 2_000 });
    getJson<{ samples: SampleBody[] }>(path, stop.signal).then(
      ({ samples }) => {
        history.addStored(samples);
        setSeed("there");
      },
      () => {
        if (!stop.signal.aborted) setSeed("failed");
      },
    );
    return () => stop.abort();
  }, [history, row.id]);

  const nowMs = serverClock.now();
  const columns = history.columns(nowMs);
  useEffect(() => {
    const plot = plotRef.current;
    plot?.batch(() => {
      plot.setData(columns, false);
      plot.setScale("x", { min: (nowMs - trendMs) / 1_000, max: nowMs / 1_000 });
    });
  });

  const [times, ...powers] = columns;
  const toldPoints = trendPoints
    .map((point, at) => ({ point, hue: hues[at], powersW: powers[at] ?? [] }))
    .filter(({ powersW }) => powersW.some((power) => power !== null));
  const isEmpty = !times.some((timeS) => timeS * 1_000 >= nowMs - trendMs);
  return (
    <section className={styles.trend} aria-label={`Last 30 seconds of ${row.name || row.id}`}>
      <div className={styles.head}>
        <ul className={styles.legend}>
          {toldPoints.map(({ point, hue, powersW }) => (
            <li key={point} data-hue={hue}>
              <span className={styles.swatch} aria-hidden="true" />
              {trendLabel(point)} <Range powersW={powersW} />
            </li>
          ))}
        </ul>
        <Link {...buttonLook} href={pagePaths.device(row.id)}>
          Device page
        </Link>
      </div>
      <div className={styles.frame}>
        <div className={styles.plot} ref={hostRef} role="img" aria-label="Chart of the powers listed above, in W" />
        {isEmpty && (
          <p className={styles.empty}>
            {seed === "waiting" ? "Asking for the last 30 seconds…" : "No samples in the last 30 seconds."}
          </p>
        )}
      </div>
      {seed === "failed" && (
        <p className="fine">What was before this row was opened cannot be had just now; the line begins here.</p>
      )}
    </section>
  );
}

/** The newest value, and between what it has moved. */
function Range({ powersW }: { readonly powersW: readonly (number | null)[] }) {
  const told = powersW.filter((power) => power !== null);
  const shown = (watts: number) => {
    const { value, unit } = scaleQuantity(watts, "W");
    return `${value} ${unit}`;
  };
  return (
    <>
      <b>{shown(told.at(-1) ?? 0)}</b>{" "}
      <span className={styles.range}>
        {shown(Math.min(...told))} … {shown(Math.max(...told))}
      </span>
    </>
  );
}

function trendLabel(point: string): string {
  return (pointSpec(point)?.label ?? point).replace(" power", "");
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

function trendPlotOptions(host: HTMLElement): uPlot.Options {
  const colour = colourOf(host);
  const { axis, wattAxis } = plotFrame(host);
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: true, auto: false }, y: { range: (_plot, low, high) => yRange(low, high) } },
    axes: [
      {
        ...axis,
        size: 24,
        splits: (plot) => [30, 20, 10, 0].map((agoS) => trendEnd(plot) - agoS),
        values: (plot, ticks) => ticks.map((second) => agoWord(Math.round(trendEnd(plot) - second))),
      },
      wattAxis,
    ],
    series: [
      {},
      ...trendPoints.map(
        (point, at): uPlot.Series => ({
          label: trendLabel(point),
          stroke: colour(`var(--${hues[at] ?? "ink"})`),
          width: 1.75,
          points: { show: true, size: 3.5 },
          gaps: (plot, _index, from, to) => silences(plot, gapS, from, to),
        }),
      ),
    ],
  };
}

/** The present, in seconds: the right edge. */
function trendEnd({ scales }: uPlot): number {
  return scales.x?.max ?? 0;
}

function agoWord(agoS: number): string {
  return agoS === 0 ? "now" : `−${agoS} s`;
}
