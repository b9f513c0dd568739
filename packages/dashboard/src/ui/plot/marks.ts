import type uPlot from "uplot";
import { colourOf } from "./plot-style.ts";

/** Something that happened at an instant of a chart, or lasted for a while. */
export interface PlotMark {
  readonly atMs: number;
  /** Until when it lasted; left out where it was an instant. */
  readonly toMs?: number;
  readonly tone: "bad" | "warn" | "info" | "dull" | "chosen";
  readonly label: string;
}

const colours = {
  bad: "var(--bad)",
  warn: "var(--warn)",
  info: "var(--grid)",
  dull: "var(--ink-3)",
  chosen: "var(--focus)",
} as const;

/** How near the cursor has to be to a mark that it reads, CSS pixels. */
const nearPx = 6;
const flagPx = 6;

/** Draws marks over the lines: a line from top to bottom with a flag at its foot, and a wash over what lasted. They are read anew with each drawing. */
export function marksPlugin(host: HTMLElement, marks: { readonly current: readonly PlotMark[] }): uPlot.Plugin {
  const colour = colourOf(host);
  const strokes = Object.fromEntries(Object.entries(colours).map(([tone, css]) => [tone, colour(css)]));
  const draw = (plot: uPlot): void => {
    const { ctx, bbox } = plot;
    const { min, max } = plot.scales.x ?? {};
    if (min == null || max == null) return;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { atMs, toMs, tone } of marks.current) {
      if ((toMs ?? atMs) / 1_000 < min || atMs / 1_000 > max) continue;
      const left = plot.valToPos(Math.max(min, atMs / 1_000), "x", true);
      const stroke = strokes[tone] ?? "";
      ctx.strokeStyle = ctx.fillStyle = stroke;
      if (toMs !== undefined) {
        ctx.globalAlpha = 0.1;
        ctx.fillRect(left, bbox.top, plot.valToPos(Math.min(max, toMs / 1_000), "x", true) - left, bbox.height);
      }
      if (atMs / 1_000 < min) continue;
      ctx.globalAlpha = tone === "dull" ? 0.5 : 0.9;
      ctx.lineWidth = (tone === "chosen" ? 2 : 1) * scale;
      ctx.setLineDash(tone === "chosen" ? [] : [3 * scale, 3 * scale]);
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
      ctx.globalAlpha = 1;
      const foot = bbox.top + bbox.height;
      ctx.beginPath();
      ctx.moveTo(left - flagPx * scale, foot);
      ctx.lineTo(left + flagPx * scale, foot);
      ctx.lineTo(left, foot - flagPx * 1.4 * scale);
      ctx.fill();
    }
    ctx.restore();
  };
  return { hooks: { draw } };
}

/** The marks that the cursor is on, the nearest first. */
export function marksNear(
  marks: readonly PlotMark[],
  axis: { readonly fromMs: number; readonly toMs: number; readonly widthPx: number },
  share: number | null,
): readonly PlotMark[] {
  if (share === null) return [];
  const lengthMs = axis.toMs - axis.fromMs;
  const readMs = axis.fromMs + share * lengthMs;
  const nearMs = (nearPx * lengthMs) / Math.max(1, axis.widthPx);
  return marks
    .filter(({ atMs }) => Math.abs(atMs - readMs) <= nearMs)
    .toSorted((one, other) => Math.abs(one.atMs - readMs) - Math.abs(other.atMs - readMs));
}
