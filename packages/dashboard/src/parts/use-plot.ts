import { type RefObject, useLayoutEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTheme } from "../ui/theme.ts";

interface Plot {
  /** For the element that the plot fills. */
  readonly hostRef: RefObject<HTMLDivElement | null>;
  /** Null until there is a host. */
  readonly plotRef: RefObject<uPlot | null>;
}

/**
 * An empty plot that fills its host, as large as that is. It is made anew with another theme, since its colours come from the style sheet, and
 * with another `key`; everything else that changes is to be told to the plot.
 */
export function usePlot(optionsFor: (host: HTMLElement) => uPlot.Options, key = ""): Plot {
  const hostRef = useRef<HTMLDivElement>(null);
  const plotRef = useRef<uPlot>(null);
  const [theme] = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the options are read when the plot is made; theme and key say when.
  useLayoutEffect(() => {
    const host = hostRef.current;
    if (host === null) return;
    const options = optionsFor(host);
    const empty = options.series.map(() => []) as unknown as uPlot.AlignedData;
    const plot = new uPlot(options, empty, host);
    plotRef.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: host.clientHeight }));
    observer.observe(host);
    return () => {
      observer.disconnect();
      plot.destroy();
      plotRef.current = null;
    };
  }, [theme, key]);
  return { hostRef, plotRef };
}
