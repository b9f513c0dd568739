import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTheme } from "../theme.ts";

interface Plot {
  /** For the element that the plot fills. */
  readonly hostRef: RefObject<HTMLDivElement | null>;
  /** Null until there is a host. */
  readonly plotRef: RefObject<uPlot | null>;
  /** The sample nearest to the cursor; null while that is elsewhere. */
  readonly cursorAt: number | null;
  /** Where the cursor stands between the left edge, 0, and the right one, 1. */
  readonly cursorShare: number | null;
  /** Puts the cursor there, for what lies below the plot on the same axis. */
  readonly pointAt: (share: number | null) => void;
}

/**
 * An empty plot that fills its host, as large as that is. It is made anew with another theme, since its colours come from the style sheet, and
 * with another `key`; everything else that changes is to be told to the plot.
 */
export function usePlot(optionsFor: (host: HTMLElement) => uPlot.Options, key = ""): Plot {
  const hostRef = useRef<HTMLDivElement>(null);
  const plotRef = useRef<uPlot>(null);
  const [cursorAt, setCursorAt] = useState<number | null>(null);
  const [cursorShare, setCursorShare] = useState<number | null>(null);
  const [theme] = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the options are read when the plot is made; theme and key say when.
  useLayoutEffect(() => {
    const host = hostRef.current;
    if (host === null) return;
    const options = optionsFor(host);
    const empty: uPlot.AlignedData = [[], ...options.series.slice(1).map(() => [])];
    const onCursor = ({ cursor: { idx, left = -1 }, over }: uPlot): void => {
      setCursorAt(idx ?? null);
      setCursorShare(left < 0 ? null : left / over.clientWidth);
    };
    const plot = new uPlot({ ...options, hooks: { setCursor: [onCursor] } }, empty, host);
    plotRef.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: host.clientHeight }));
    observer.observe(host);
    return () => {
      observer.disconnect();
      plot.destroy();
      plotRef.current = null;
    };
  }, [theme, key]);
  const pointAt = (share: number | null): void => {
    const plot = plotRef.current;
    if (plot === null) return;
    plot.setCursor(share === null ? { left: -10, top: -10 } : { left: share * plot.over.clientWidth, top: 0 });
  };
  return { hostRef, plotRef, cursorAt, cursorShare, pointAt };
}
