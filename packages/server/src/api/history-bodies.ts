import type {
  DeviceEnergyBody,
  EnergyFigures,
  FleetEnergyBody,
  FleetTotalsBody,
  HistoryBody,
  PointsBody,
  TimelineBody,
} from "@wattboard/protocol";
import { pointSpec } from "@wattboard/protocol";
import { isoTime } from "../base/iso-time.ts";
import { shareOf } from "../history/coverage.ts";
import { bucketTimes, type TimeRange } from "../history/range.ts";
import { addEnergy, type Energy, noEnergy } from "../store/algebra/energy.ts";
import { autarky, selfConsumption } from "../store/algebra/energy-shares.ts";
import type {
  Coverage,
  CoverageSpans,
  EnergyHistory,
  FleetSeries,
  History,
  PointInfo,
  PointSample,
  Timeline,
} from "../store/store.ts";

export function pointsBody(deviceId: string, points: readonly PointInfo[]): Omit<PointsBody, "next_cursor"> {
  return {
    device_id: deviceId,
    points: points.map(({ name, kinds }) => {
      const spec = pointSpec(name);
      return {
        name,
        label: spec?.label ?? name,
        unit: spec?.unit ?? "",
        kinds: [...kinds],
        ...(spec?.sign !== undefined && { sign: spec.sign }),
      };
    }),
  };
}

function coverageBody({ coveredMs, expectedMs, expectedFromMs, gaps }: Coverage): HistoryBody["coverage"] {
  return {
    share: shareOf(coveredMs, expectedMs),
    expected_from: expectedFromMs === null ? null : isoTime(expectedFromMs),
    gaps: gaps.map(({ fromMs, toMs }) => ({ from: isoTime(fromMs), to: isoTime(toMs) })),
  };
}

export function bucketsBody(deviceId: string, range: TimeRange, history: History): HistoryBody {
  const { bucketMs, samples, coveredMs, expectedMs, points, total } = history;
  return {
    device_id: deviceId,
    from: isoTime(range.fromMs),
    to: isoTime(range.toMs),
    resolution: "buckets",
    bucket_ms: bucketMs,
    at: bucketTimes({ ...range, bucketMs }),
    samples,
    bucket_coverage: coveredMs.map((ms, at) => shareOf(ms, expectedMs[at] as number)),
    points,
    coverage: coverageBody(total),
  };
}

export function rawBody(
  deviceId: string,
  range: TimeRange,
  samples: readonly PointSample[],
  points: readonly string[],
  total: Coverage,
): HistoryBody {
  const valuesOf = (name: string): (number | null)[] =>
    samples.map((sample) => {
      const value = sample.points[name];
      return typeof value === "number" ? value : null;
    });
  return {
    device_id: deviceId,
    from: isoTime(range.fromMs),
    to: isoTime(range.toMs),
    resolution: "raw",
    at: samples.map(({ observedAtMs }) => isoTime(observedAtMs)),
    points: Object.fromEntries(points.map((name) => [name, { values: valuesOf(name) }])),
    coverage: coverageBody(total),
  };
}

export function timelineBody(deviceId: string, range: TimeRange, point: string, timeline: Timeline): TimelineBody {
  const { runs, truncated } = timeline;
  const last = runs.at(-1);
  return {
    device_id: deviceId,
    from: isoTime(range.fromMs),
    to: isoTime(range.toMs),
    point,
    runs: runs.map(({ fromMs, toMs, value }) => ({ from: isoTime(fromMs), to: isoTime(toMs), value })),
    next_from: truncated && last !== undefined ? isoTime(last.toMs) : null,
  };
}

function energyFigures(energy: Energy): EnergyFigures {
  return {
    imported_wh: energy.imported,
    exported_wh: energy.exported,
    charged_wh: energy.charged,
    discharged_wh: energy.discharged,
    produced_wh: energy.produced,
    consumed_wh: energy.consumed,
    self_consumed_wh: energy.selfConsumed,
    autarky: autarky(energy),
    self_consumption: selfConsumption(energy),
  };
}

/** In which spans energy is told. */
export interface EnergyQuestion {
  readonly timeZone: string;
  readonly per: DeviceEnergyBody["per"];
  readonly nowMs: number;
}

export function deviceEnergyBody(
  deviceId: string,
  { timeZone, per }: EnergyQuestion,
  { spans, total }: EnergyHistory,
): DeviceEnergyBody {
  return {
    device_id: deviceId,
    time_zone: timeZone,
    per,
    from: isoTime(spans[0]?.fromMs ?? 0),
    to: isoTime(spans.at(-1)?.toMs ?? 0),
    spans: spans.map((span) => ({
      from: isoTime(span.fromMs),
      to: isoTime(span.toMs),
      ...energyFigures(span.energy),
      coverage: shareOf(span.coveredMs, span.expectedMs),
    })),
    total: energyFigures(spans.reduce((sum, { energy }) => addEnergy(sum, energy), noEnergy)),
    coverage: coverageBody(total),
  };
}

/** Adds up devices' spans, which lie on the same edges. */
export class FleetEnergySum {
  readonly #spans: {
    readonly range: TimeRange;
    energy: Energy;
    devices: number;
    coveredMs: number;
    expectedMs: number;
  }[];
  #deviceCount = 0;

  constructor(edgesMs: readonly number[]) {
    this.#spans = edgesMs.slice(1).map((toMs, at) => ({
      range: { fromMs: edgesMs[at] as number, toMs },
      energy: noEnergy,
      devices: 0,
      coveredMs: 0,
      expectedMs: 0,
    }));
  }

  add({ spans }: EnergyHistory): void {
    this.#deviceCount++;
    for (const [at, sum] of this.#spans.entries()) {
      const span = spans[at];
      if (span === undefined) continue;
      sum.energy = addEnergy(sum.energy, span.energy);
      sum.coveredMs += span.coveredMs;
      sum.expectedMs += span.expectedMs;
      if (span.coveredMs > 0) sum.devices++;
    }
  }

  body({ timeZone, per }: Omit<EnergyQuestion, "nowMs">): FleetEnergyBody {
    const range = { fromMs: this.#spans[0]?.range.fromMs ?? 0, toMs: this.#spans.at(-1)?.range.toMs ?? 0 };
    const allCoveredMs = this.#spans.reduce((sum, span) => sum + span.coveredMs, 0);
    const allExpectedMs = this.#spans.reduce((sum, span) => sum + span.expectedMs, 0);
    return {
      time_zone: timeZone,
      per,
      from: isoTime(range.fromMs),
      to: isoTime(range.toMs),
      device_count: this.#deviceCount,
      spans: this.#spans.map((span) => ({
        from: isoTime(span.range.fromMs),
        to: isoTime(span.range.toMs),
        ...energyFigures(span.energy),
        devices: span.devices,
        coverage: shareOf(span.coveredMs, span.expectedMs),
      })),
      total: energyFigures(this.#spans.reduce((sum, { energy }) => addEnergy(sum, energy), noEnergy)),
      coverage: shareOf(allCoveredMs, allExpectedMs),
    };
  }
}

export function fleetTotalsBody(
  point: string,
  range: TimeRange,
  deviceCount: number,
  { bucketMs, sum, devices }: FleetSeries,
  { coveredMs, expectedMs, total }: CoverageSpans,
): FleetTotalsBody {
  return {
    point,
    unit: pointSpec(point)?.unit ?? "",
    from: isoTime(range.fromMs),
    to: isoTime(range.toMs),
    bucket_ms: bucketMs,
    device_count: deviceCount,
    at: bucketTimes({ ...range, bucketMs }),
    sum,
    devices,
    bucket_coverage: coveredMs.map((ms, at) => shareOf(ms, expectedMs[at] as number)),
    coverage: coverageBody(total),
  };
}
