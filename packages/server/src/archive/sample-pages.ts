import { setImmediate } from "node:timers/promises";
import type { PointSample, Store } from "../store/store.ts";
import type { ExportQuery } from "./export.ts";

export interface SamplePage {
  readonly deviceId: string;
  readonly samples: readonly PointSample[];
}

/** Small, since a page is read and written in one turn of the event loop that also carries live samples. */
const pageSamples = 250;

/** Device after device, oldest sample first; only one page is held at a time. */
export async function* readPages(store: Store, query: Omit<ExportQuery, "format">): AsyncGenerator<SamplePage> {
  const { deviceIds, toMs, points, start, signal } = query;
  for (const deviceId of deviceIds.slice(start === undefined ? 0 : deviceIds.indexOf(start.deviceId))) {
    const fromMs = deviceId === start?.deviceId ? start.fromMs : query.fromMs;
    let beyond: PointSample | undefined;
    for (;;) {
      const page = { deviceId, fromMs, toMs, points, signal, beyond, take: "first", limit: pageSamples } as const;
      const samples = await store.samples(page);
      if (samples.length > 0) {
        yield { deviceId, samples: points === undefined ? samples : samples.filter(hasPoints) };
      }
      beyond = samples.at(-1);
      if (samples.length < pageSamples) break;
      await setImmediate();
    }
  }
}

function hasPoints({ points }: PointSample): boolean {
  for (const name in points) if (points[name] !== undefined) return true;
  return false;
}
