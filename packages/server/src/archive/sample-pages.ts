import type { SampleSource } from "../store/sample-source.ts";
import type { PointSample, StoreDamage } from "../store/store.ts";
import type { ExportQuery } from "./export.ts";

export interface SamplePage {
  readonly deviceId: string;
  readonly samples: readonly PointSample[];
}

/** The store hands over a page in one go, while its commits wait: some milliseconds. */
const pageSamples = 500;

/** Device after device, oldest sample first; only one page is held at a time. What cannot be read is passed over, and told to `onDamage`. */
export async function* readPages(
  source: SampleSource,
  query: Pick<ExportQuery, "deviceIds" | "fromMs" | "toMs" | "points" | "historyFromMs" | "start">,
  onDamage: (damage: StoreDamage) => void,
): AsyncGenerator<SamplePage> {
  const { deviceIds, toMs, points, start } = query;
  for (const deviceId of deviceIds.slice(start === undefined ? 0 : deviceIds.indexOf(start.deviceId))) {
    const fromMs = Math.max(
      deviceId === start?.deviceId ? start.fromMs : query.fromMs,
      query.historyFromMs?.get(deviceId) ?? 0,
    );
    let beyond: PointSample | undefined;
    for (;;) {
      const page = { deviceId, fromMs, toMs, points, beyond, take: "first", limit: pageSamples } as const;
      const { samples, leftOut } = await source.samples(page);
      for (const damage of leftOut) onDamage(damage);
      if (samples.length > 0) {
        yield { deviceId, samples: points === undefined ? samples : samples.filter(hasPoints) };
      }
      beyond = samples.at(-1);
      if (samples.length < pageSamples) break;
    }
  }
}

function hasPoints({ points }: PointSample): boolean {
  for (const name in points) if (points[name] !== undefined) return true;
  return false;
}
