import type uPlot from "uplot";
import { formatNumber } from "../ui/format-number.ts";

/** A colour of the style sheet by its name: `ink-3`. */
export function colourOf(host: HTMLElement): (name: string) => string {
  const style = getComputedStyle(host);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** What the charts of this page have in common: their frame, and the axis of powers, in W. */
export function plotFrame(host: HTMLElement): { readonly axis: uPlot.Axis; readonly wattAxis: uPlot.Axis } {
  const colour = colourOf(host);
  const axis: uPlot.Axis = {
    stroke: colour("ink-3"),
    font: `11px ${getComputedStyle(host).fontFamily}`,
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  const values = (_plot: uPlot, ticks: number[]) => ticks.map((watts) => formatNumber(watts, 0));
  return { axis, wattAxis: { ...axis, size: 52, values } };
}

/** Zero is always in view, with some room at either end that holds a line. */
export function yRange(low: number | null, high: number | null): [number, number] {
  const bottom = Math.min(0, low ?? 0);
  const top = Math.max(100, high ?? 0);
  const room = (top - bottom) * 0.08;
  return [bottom < 0 ? bottom - room : 0, top + room];
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
