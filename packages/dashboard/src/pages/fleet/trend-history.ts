import { type FleetPoint, type FleetRow, parseRfc3339, type SampleBody } from "@wattboard/protocol";

/** How far back the trend of a row reaches. */
export const trendMs = 30_000;

/** The powers of a row, in the order in which their lines are drawn. */
export const trendPoints = [
  "solar.power",
  "inverter.power",
  "load.power",
  "battery.power",
  "grid.power",
] as const satisfies readonly FleetPoint[];

type TrendPowers = readonly (number | null)[];

interface TrendSample {
  readonly atMs: number;
  /** One for each of `trendPoints`, in W. */
  readonly powersW: TrendPowers;
}

/** The powers of one device over the last 30 seconds, from the store and from the live rows, in the order in which they were measured. */
export class TrendHistory {
  #samples: readonly TrendSample[] = [];

  /** What the live row holds; nothing where the device has sent nothing yet. */
  addRow({ observed_at_ms, points }: FleetRow): void {
    if (observed_at_ms !== null)
      this.#add(
        observed_at_ms,
        trendPoints.map((point) => points[point] ?? null),
      );
  }

  addStored(samples: readonly SampleBody[]): void {
    for (const { observed_at, telemetry } of samples) {
      const sections = telemetry as Readonly<Record<string, unknown>>;
      const atMs = parseRfc3339(observed_at);
      if (!Number.isNaN(atMs))
        this.#add(
          atMs,
          trendPoints.map((point) => powerAt(sections, point)),
        );
    }
  }

  /**
   * Times in seconds, then a column for each of `trendPoints`, for the 30 seconds before `nowMs`. One sample before them is kept: the line begins
   * there, and a device that sends on change is still what it said then.
   */
  columns(nowMs: number): [number[], ...(number | null)[][]] {
    const first = this.#samples.findIndex(({ atMs }) => atMs >= nowMs - trendMs);
    this.#samples = this.#samples.slice(first === -1 ? -1 : Math.max(0, first - 1));
    return [
      this.#samples.map(({ atMs }) => atMs / 1_000),
      ...trendPoints.map((_, column) => this.#samples.map(({ powersW }) => powersW[column] ?? null)),
    ];
  }

  /** One at the same instant as another replaces it, so what is stored and what is live may overlap. */
  #add(atMs: number, powersW: TrendPowers): void {
    const before = this.#samples.filter((sample) => sample.atMs < atMs);
    const after = this.#samples.filter((sample) => sample.atMs > atMs);
    this.#samples = [...before, { atMs, powersW }, ...after].slice(-samplesMax);
  }
}

/** 50 messages a second is the most that a device may send; a little more than 30 seconds of it. The oldest go first. */
const samplesMax = 2_000;

function powerAt(sections: Readonly<Record<string, unknown>>, point: FleetPoint): number | null {
  const [section = "", field = ""] = point.split(".");
  const body = sections[section];
  const value = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[field] : null;
  return typeof value === "number" ? value : null;
}
