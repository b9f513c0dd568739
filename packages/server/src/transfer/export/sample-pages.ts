import { isFullPage } from "../../store/page-bytes.ts";
import type { PointSample, StoreReader } from "../../store/store.ts";
import type { StoreExportQuery } from "./export-query.ts";

export interface SamplePage {
  readonly deviceId: string;
  readonly samples: readonly PointSample[];
}

/** The store hands over a page in one go, while its commits wait: some milliseconds. Wide samples are fewer a page. */
const bounds = { limit: 500, bytesMax: 1024 * 1024 };

/** Device after device, oldest sample first; only one page is held at a time. What cannot be read is passed over. */
export async function* readPages(
  source: Pick<StoreReader, "samples">,
  query: Pick<StoreExportQuery, "devices" | "fromMs" | "toMs" | "points" | "start">,
): AsyncGenerator<SamplePage> {
  const { devices, toMs, points, start } = query;
  const first = start === undefined ? 0 : devices.findIndex(({ deviceId }) => deviceId === start.deviceId);
  for (const { deviceId, registration } of devices.slice(first)) {
    const fromMs = deviceId === start?.deviceId ? start.fromMs : query.fromMs;
    let beyond: PointSample | undefined;
    for (;;) {
      const page = { registration, fromMs, toMs, points, beyond, take: "first", ...bounds } as const;
      const samples = await source.samples(page);
      if (samples.length > 0) {
        yield { deviceId, samples: points === undefined ? samples : samples.filter(hasPoints) };
      }
      beyond = samples.at(-1);
      if (!isFullPage(samples, bounds)) break;
    }
  }
}

/** Whether it holds anything of what was asked for. */
export function hasPoints({ points }: PointSample): boolean {
  for (const name in points) if (points[name] !== undefined) return true;
  return false;
}
