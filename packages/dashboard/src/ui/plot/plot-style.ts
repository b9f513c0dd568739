import type uPlot from "uplot";
import { formatNumber } from "../format-number.ts";

/** A colour as a canvas takes it: `var(--ink-3)` as it is in the theme that holds for `host`. */
export function colourOf(host: HTMLElement): (css: string) => string {
  const probe = document.createElement("span");
  return (css) => {
    probe.style.color = css;
    host.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

/** As `--plot-left` and `--plot-right` in the tokens: what stands below a plot is as wide as that is. */
const plotLeftPx = 60;
export const plotRightPx = 42;

/** What the charts of this page have in common: their frame, and the axis of powers, in W. */
export function plotFrame(host: HTMLElement): { readonly axis: uPlot.Axis; readonly wattAxis: uPlot.Axis } {
  const colour = colourOf(host);
  const axis: uPlot.Axis = {
    stroke: colour("var(--ink-3)"),
    font: `11px ${getComputedStyle(host).fontFamily}`,
    grid: { stroke: colour("var(--line)"), width: 1 },
    ticks: { show: false },
  };
  const values = (_plot: uPlot, ticks: number[]) => {
    // One unit for all of them, so that they are compared at a glance.
    const isLarge = ticks.some((watts) => Math.abs(watts) >= 1_000);
    const digits = isLarge && ticks.some((watts) => watts % 1_000 !== 0) ? 1 : 0;
    return ticks.map((watts) =>
      isLarge ? `${formatNumber(watts / 1_000, digits)} kW` : `${formatNumber(watts, 0)} W`,
    );
  };
  return { axis, wattAxis: { ...axis, size: plotLeftPx, values } };
}

/** Zero is always in view, with some room at either end that holds a line. */
export function yRange(low: number | null, high: number | null): [number, number] {
  const bottom = Math.min(0, low ?? 0);
  const top = Math.max(100, high ?? 0);
  const room = (top - bottom) * 0.08;
  return [bottom < 0 ? bottom - room : 0, top + room];
}

/** The places where a line is to be broken, between two values of it that follow each other. */
export function breaks(
  plot: uPlot,
  series: number,
  isBroken: (before: number, after: number) => boolean,
  from: number,
  to: number,
): uPlot.Series.Gaps {
  const [times] = plot.data;
  const values = plot.data[series];
  const found: uPlot.Series.Gaps = [];
  let before = -1;
  for (let at = from; at <= to; at++) {
    if (values?.[at] == null) continue;
    if (before >= 0 && isBroken(before, at)) {
      const place = (of: number): number => Math.round(plot.valToPos(times[of] as number, "x", true));
      found.push([place(before), place(at)]);
    }
    before = at;
  }
  return found;
}

/** Silences longer than `gapS` seconds, which break a line. A device may leave a point out of a message, and the line goes on. */
export function silences(plot: uPlot, gapS: number, from: number, to: number): uPlot.Series.Gaps {
  const times = plot.data[0];
  const gaps: uPlot.Series.Gaps = [];
  for (let at = from + 1; at <= to; at++) {
    const [before, after] = [times[at - 1], times[at]];
    if (before === undefined || after === undefined || after - before <= gapS) continue;
    gaps.push([Math.round(plot.valToPos(before, "x", true)), Math.round(plot.valToPos(after, "x", true))]);
  }
  return gaps;
}
