import type { Device } from "../devices/device-registry.ts";
import { noEnergy } from "../store/algebra/energy.ts";
import { windowMs } from "../store/algebra/window.ts";
import type { StoreReader } from "../store/read-port.ts";
import type {
  Coverage,
  EnergyQuery,
  EnergySpan,
  FleetQuery,
  FleetTotals,
  History,
  HistoryQuery,
  PointSample,
  SamplesQuery,
  Timeline,
  TimelineQuery,
} from "../store/store.ts";
import { type ExpectedEnergy, type ExpectedHistory, expectedEnergy, expectedHistory } from "./coverage.ts";
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

  async history(device: Registration, query: OfDevice<HistoryQuery>): Promise<ExpectedHistory> {
    const registeredMs = Math.max(device.createdAtMs, ownFromMs(device, query.bucketMs));
    return expectedHistory(registeredMs, query, await this.#ownHistory(device, query));
  }

  async energy(device: Registration, { edgesMs, signal }: OfDevice<EnergyQuery>): Promise<ExpectedEnergy> {
    const startMs = ownFromMs(device, windowMs);
    const ownEdges = edgesMs.filter((edgeMs) => edgeMs > startMs);
    const before = edgesMs.length - ownEdges.length;
    // The span in which the device's own time begins is asked for from there on.
    if (before > 0) ownEdges.unshift(Math.max(startMs, edgesMs[before - 1] as number));
    const own = await this.#store.energy({ deviceId: device.deviceId, edgesMs: ownEdges, signal });
    const spans = edgesMs.slice(1).map((toMs, at): EnergySpan => {
      const fromMs = edgesMs[at] as number;
      const span = own[at - Math.max(0, before - 1)];
      return span === undefined ? { fromMs, toMs, energy: noEnergy, coveredMs: 0 } : { ...span, fromMs };
    });
    return expectedEnergy(Math.max(device.createdAtMs, startMs), spans);
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

  async #ownHistory(device: Registration, query: OfDevice<HistoryQuery>): Promise<History> {
    const { deviceId } = device;
    if (device.historyFromMs <= query.fromMs) return await this.#store.history({ ...query, deviceId });
    const parts: History[] = [];
    for (const part of ownBuckets(device, query)) {
      parts.push(await this.#store.history({ ...query, ...part, deviceId }));
    }
    return joined(query, parts);
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

/** The parts, which are the last ones of the query's buckets, behind as many empty buckets as are missing. */
function joined({ fromMs, toMs, bucketMs, points }: OfDevice<HistoryQuery>, parts: readonly History[]): History {
  const length = Math.ceil((toMs - fromMs) / bucketMs);
  const behind = <T>(none: T, own: readonly T[]): T[] => [...new Array<T>(length - own.length).fill(none), ...own];
  const figures = (name: string, figure: "min" | "avg" | "max"): (number | null)[] => {
    const own = parts.flatMap((part) => part.points[name]?.[figure] ?? []);
    return behind<number | null>(null, own);
  };
  const samples = parts.flatMap((part) => part.samples);
  const coveredMs = parts.flatMap((part) => part.coveredMs);
  return {
    fromMs,
    bucketMs,
    samples: behind(0, samples),
    coveredMs: behind(0, coveredMs),
    points: Object.fromEntries(
      points.map((name) => [name, { min: figures(name, "min"), avg: figures(name, "avg"), max: figures(name, "max") }]),
    ),
    total: joinedCoverage({ fromMs, toMs }, parts),
  };
}

function joinedCoverage(range: Range, parts: readonly History[]): Coverage {
  let coveredMs = 0;
  const gaps = [{ fromMs: range.fromMs, toMs: parts[0]?.fromMs ?? range.toMs }];
  for (const { fromMs, total } of parts) {
    coveredMs += total.coveredMs;
    for (const gap of total.gaps.toSorted((a, b) => a.fromMs - b.fromMs)) {
      const last = gaps.at(-1);
      // One gap on both sides of where the parts meet.
      if (last?.toMs === fromMs && gap.fromMs === fromMs) last.toMs = gap.toMs;
      else gaps.push({ ...gap });
    }
  }
  return {
    coveredMs,
    gaps: gaps.sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, 100),
  };
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
