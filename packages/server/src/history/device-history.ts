import type { Device } from "../devices/device-registry.ts";
import { withConsumption } from "../store/algebra/energy.ts";
import { windowMs } from "../store/algebra/window.ts";
import type { StoreReader } from "../store/read-port.ts";
import type {
  EnergyHistory,
  EnergyQuery,
  FleetQuery,
  FleetTotals,
  History,
  HistoryQuery,
  PointSample,
  SamplesQuery,
  Timeline,
  TimelineQuery,
} from "../store/store.ts";
import type { Range } from "./range.ts";

type OfDevice<Query> = Omit<Query, "deviceId">;

/** What of a device says which part of the past is its own, and from when on something is expected of it. */
export type Registration = Pick<Device, "deviceId" | "createdAtMs" | "historyFromMs">;

/**
 * What the store has of a device, as far as it is this device's: nothing from before `historyFromMs`, when another may have had its id. Energy,
 * and buckets of 15 minutes and more, begin with the first whole quarter of an hour after that. All that the API shows of the past comes from here.
 */
export class DeviceHistory {
  readonly #store: StoreReader;

  constructor(store: StoreReader) {
    this.#store = store;
  }

  samples(device: Registration, query: OfDevice<SamplesQuery>): Promise<PointSample[]> {
    return this.#store.samples({ ...query, ...ownPart(device, query) });
  }

  timeline(device: Registration, query: OfDevice<TimelineQuery>): Promise<Timeline> {
    return this.#store.timeline({ ...query, ...ownPart(device, query) });
  }

  history(device: Registration, query: OfDevice<HistoryQuery>): Promise<History> {
    return this.#store.history({ ...query, ...expectedOf(device, query.bucketMs) });
  }

  async energy(device: Registration, query: OfDevice<EnergyQuery>): Promise<EnergyHistory> {
    const [{ spans, total }, points] = await Promise.all([
      this.#store.energy({ ...query, ...expectedOf(device, windowMs) }),
      this.#store.points(device.deviceId),
    ]);
    const hasSolar = points.some(({ name }) => name === "solar" || name.startsWith("solar."));
    return { spans: spans.map((span) => ({ ...span, energy: withConsumption(span.energy, hasSolar) })), total };
  }

  async fleetTotals(devices: readonly Registration[], query: Omit<FleetQuery, "deviceIds">): Promise<FleetTotals> {
    const isWhole = ({ historyFromMs }: Registration): boolean => historyFromMs <= query.fromMs;
    const deviceIds = devices.filter(isWhole).map(({ deviceId }) => deviceId);
    let totals = await this.#store.fleetTotals({ ...query, deviceIds });
    for (const device of devices) {
      if (isWhole(device)) continue;
      const own: (number | null)[] = [];
      for (const part of ownBuckets(device, query)) {
        own.push(...(await this.#store.fleetTotals({ ...query, ...part, deviceIds: [device.deviceId] })).sum);
      }
      totals = added(totals, own);
    }
    return totals;
  }
}

/** The range without what lies before the device's own time; empty where all of it does. */
function ownPart(
  { deviceId, historyFromMs }: Registration,
  { fromMs, toMs }: Range,
): Range & { readonly deviceId: string } {
  return { deviceId, fromMs: Math.min(toMs, Math.max(fromMs, historyFromMs)), toMs };
}

/** From when on a device's figures are its own, where they come in buckets of that width. */
function ownFromMs({ historyFromMs }: Pick<Registration, "historyFromMs">, bucketMs: number): number {
  return bucketMs < windowMs ? historyFromMs : Math.ceil(historyFromMs / windowMs) * windowMs;
}

/** From when on something is expected of a device, and what of the past is its own. */
function expectedOf(
  device: Registration,
  bucketMs: number,
): Pick<HistoryQuery, "deviceId" | "registeredMs" | "sinceMs"> {
  const sinceMs = ownFromMs(device, bucketMs);
  return { deviceId: device.deviceId, registeredMs: Math.max(device.createdAtMs, sinceMs), sinceMs };
}

interface Bucketed extends Range {
  readonly bucketMs: number;
}

/**
 * A range of buckets from the device's own time on: the rest of the bucket in which that begins, as one, and then the others. Its end is the
 * query's, so that it is as many buckets as the last ones of the query.
 */
function ownBuckets(device: Registration, { fromMs, toMs, bucketMs }: Bucketed): Bucketed[] {
  const startMs = ownFromMs(device, bucketMs);
  const nextMs = fromMs + Math.ceil((startMs - fromMs) / bucketMs) * bucketMs;
  const parts = [
    { fromMs: startMs, toMs: Math.min(nextMs, toMs), bucketMs: nextMs - startMs },
    { fromMs: nextMs, toMs, bucketMs },
  ];
  return parts.filter((part) => part.fromMs < part.toMs);
}

/** The totals with one device more, whose figures are those of the last buckets. */
function added(totals: FleetTotals, own: readonly (number | null)[]): FleetTotals {
  const sum = [...totals.sum];
  const devices = [...totals.devices];
  for (const [place, value] of own.entries()) {
    if (value === null) continue;
    const at = sum.length - own.length + place;
    sum[at] = (sum[at] ?? 0) + value;
    devices[at] = (devices[at] ?? 0) + 1;
  }
  return { ...totals, sum, devices };
}
