import { parseRfc3339, type SampleBody, type Telemetry } from "@wattboard/protocol";
import type { PointValue } from "../domain/point-value.ts";
import type { PowerPoint } from "../domain/power.ts";
import type { StateRun } from "../domain/state-runs.ts";

/** The lines of the chart, in the order in which they are drawn. */
export const chartPoints = [
  "solar.power",
  "load.power",
  "battery.power",
  "grid.power",
] as const satisfies readonly PowerPoint[];

/** Most samples kept for the chart: two hours at one a second. The oldest go first. */
export const historySamplesMax = 7_200;

/** The points that the bands below the chart show. */
export const bandPoints = ["system_status.state", "system_status.mode", "system_status.error_flags"] as const;

type PowerSample = readonly [timeS: number, states: readonly PointValue[], ...powersW: (number | null)[]];

/** The powers of the last while, oldest first, as columns for the chart. Several messages may arrive out of order. */
export class PowerHistory {
  #samples: PowerSample[] = [];

  /** Adds one sample in its place; one at the same instant as another replaces it, so a seed and the stream may overlap. */
  add(atMs: number, telemetry: Telemetry): void {
    const timeS = atMs / 1_000;
    const { state = null, mode = null, error_flags = null } = telemetry.system_status ?? {};
    const sample: PowerSample = [
      timeS,
      [state, mode, error_flags],
      ...chartPoints.map((point) => powerOf(telemetry, point)),
    ];
    let at = this.#samples.length;
    while (at > 0 && (this.#samples[at - 1] as PowerSample)[0] > timeS) at--;
    if (at > 0 && (this.#samples[at - 1] as PowerSample)[0] === timeS) this.#samples[at - 1] = sample;
    else this.#samples.splice(at, 0, sample);
    if (this.#samples.length > historySamplesMax) this.#samples.splice(0, this.#samples.length - historySamplesMax);
  }

  seed(samples: readonly SampleBody[]): void {
    for (const { observed_at, telemetry } of samples) {
      const atMs = parseRfc3339(observed_at);
      if (!Number.isNaN(atMs)) this.add(atMs, telemetry);
    }
  }

  /** Times in seconds, then one column for each of `chartPoints`, from `fromMs` on (with one sample before it, for the line's start). */
  columns(fromMs: number): [number[], ...(number | null)[][]] {
    const fromS = fromMs / 1_000;
    const first = this.#samples.findIndex(([timeS]) => timeS >= fromS);
    const shown = first === -1 ? [] : this.#samples.slice(Math.max(0, first - 1));
    return [
      shown.map(([timeS]) => timeS),
      ...chartPoints.map((_, column) => shown.map((sample) => sample[column + 2] as number | null)),
    ];
  }

  /** When a point had which value, from `fromMs` on. A silence of more than `gapS` ends a run, and a message without the point does too. */
  runs(point: (typeof bandPoints)[number], fromMs: number, gapS: number): StateRun[] {
    const column = bandPoints.indexOf(point);
    const runs: StateRun[] = [];
    let run: { fromMs: number; toMs: number; value: PointValue } | null = null;
    for (const [timeS, states] of this.#samples) {
      const atMs = 1_000 * timeS;
      if (atMs < fromMs) continue;
      const value = states[column] ?? null;
      if (run !== null && atMs - run.toMs <= 1_000 * gapS) run.toMs = atMs;
      else run = null;
      if (run !== null && String(run.value) === String(value)) continue;
      run = { fromMs: atMs, toMs: atMs, value };
      if (value !== null) runs.push(run);
    }
    return runs;
  }
}

function powerOf(telemetry: Telemetry, point: PowerPoint): number | null {
  const [section] = point.split(".") as ["solar" | "load" | "battery" | "grid"];
  const power = telemetry[section]?.power;
  return typeof power === "number" ? power : null;
}

/**
 * The shortest silence, in seconds, that is drawn as a gap: three usual intervals, and at least `lateAfterMs`' worth. A line across
 * a silence would claim values that nobody measured.
 */
export function gapSeconds(times: readonly number[]): number {
  const steps: number[] = [];
  for (let at = 1; at < times.length; at++) steps.push((times[at] as number) - (times[at - 1] as number));
  steps.sort((left, right) => left - right);
  return Math.max(5, 3 * (steps[steps.length >> 1] ?? 0));
}
