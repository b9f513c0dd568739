import type { Buckets } from "../algebra/buckets.ts";
import { type EnergyStream, energyStreams, noEnergy, type PowerPoint } from "../algebra/energy.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import { windowFrom, windowMs, windowOf, windowsPerDay } from "../algebra/window.ts";
import type { AddMeans, EnergyWindow, Pieces, PiecesQuery, WindowReader } from "../questions/window-reader.ts";
import type { Registration } from "../registration.ts";
import type { FleetQuery, HistoryQuery } from "../store.ts";
import type { Work } from "../work.ts";
import type { DayColumns, DayParts } from "./codec/day-codec.ts";
import { minuteMs } from "./minute-means.ts";
import { summaries } from "./summaries.ts";
import type { OnDamage, Windows } from "./windows.ts";

const stepsOnly: DayParts = { points: new Set(), energy: false };

/**
 * What the questions are answered from. It yields between two windows, or two days of summaries, so that the worker can take new samples in between,
 * and can stop when nobody waits for the answer any more. What cannot be read is passed over, and told to `onDamage`.
 */
export class Reader implements WindowReader {
  readonly #windows: Windows;
  readonly #onDamage: OnDamage | undefined;

  constructor(windows: Windows, onDamage?: OnDamage) {
    this.#windows = windows;
    this.#onDamage = onDamage;
  }

  /** A window each. */
  samples({ registration, points, fromMs, toMs, take }: PiecesQuery): Pieces<SampleColumns> {
    const windows = this.#windows;
    const onDamage = this.#onDamage;
    const wanted = points === undefined ? undefined : new Set(points);
    const list = toMs <= fromMs ? [] : windows.list(registration, windowOf(fromMs), windowOf(toMs - 1) + 1);
    if (take === "last") list.reverse();
    let place = 0;
    return function* () {
      while (place < list.length) {
        if (place > 0) yield;
        const samples = windows.read(registration, list[place++] as number, wanted, onDamage);
        if (samples !== null) return samples;
      }
      return null;
    };
  }

  *windows(
    registration: Registration,
    fromWindow: number,
    toWindow: number,
    isEnergyWanted: boolean,
    onWindow: (window: EnergyWindow) => void,
  ): Work<void> {
    const parts = { ...stepsOnly, energy: isEnergyWanted };
    for (const { day, from, to } of summaries(this.#windows, registration, fromWindow, toWindow, parts)) {
      for (let at = from; at < to; at++) onWindow(windowAt(day, at));
      yield;
    }
  }

  *firstSampleMs(registration: Registration): Work<number | null> {
    const windows = this.#windows;
    let day = windows.firstDay(registration, Math.floor(windowOf(registration.fromMs) / windowsPerDay));
    for (; day !== null; day = windows.firstDay(registration, day + 1)) {
      const first = Math.max(windowOf(registration.fromMs), day * windowsPerDay);
      for (const run of summaries(windows, registration, first, (day + 1) * windowsPerDay, stepsOnly)) {
        return run.day.firstMs[run.from] as number;
      }
      yield;
    }
    return null;
  }

  *addSummaries({ registration, points, fromMs, toMs }: HistoryQuery, buckets: Buckets): Work<void> {
    const parts = { points: new Set(points), energy: false };
    const first = Math.max(windowOf(fromMs), windowFrom(registration.fromMs));
    for (const { day, from, to } of summaries(this.#windows, registration, first, windowOf(toMs - 1) + 1, parts)) {
      buckets.addSummaries(day, from, to);
      yield;
    }
  }

  /** The means of a power over whole minutes: their sums stand beside each block, and no sample is read. */
  *addMeans(query: FleetQuery, add: AddMeans): Work<boolean> {
    const { registrations, point, fromMs, toMs, bucketMs } = query;
    const stream = energyStreams.find((name) => name === point);
    const isWholeMinutes = [bucketMs, fromMs, toMs].every((ms) => ms % minuteMs === 0);
    if (stream === undefined || bucketMs >= windowMs || !isWholeMinutes) return false;
    for (const registration of registrations) {
      addMinuteMeans(this.#windows, registration, stream, query, add);
      yield;
    }
    return true;
  }
}

const noSteps: EnergyWindow["longSteps"] = [];
const noPower: PowerPoint = { atMs: 0, gridW: null, batteryW: null, solarW: null, loadW: null };

function windowAt(day: DayColumns, at: number): EnergyWindow {
  return {
    window: day.windows[at] as number,
    firstMs: day.firstMs[at] as number,
    lastMs: day.lastMs[at] as number,
    periodMs: day.periodMs[at] as number,
    longSteps: day.longSteps[at] ?? noSteps,
    energy: day.energy?.energies[at] ?? noEnergy,
    firstPower: day.energy?.firstPower[at] ?? noPower,
    lastPower: day.energy?.lastPower[at] ?? noPower,
  };
}

function addMinuteMeans(
  windows: Windows,
  registration: Registration,
  stream: EnergyStream,
  { fromMs, toMs, bucketMs }: FleetQuery,
  add: AddMeans,
): void {
  const length = Math.max(0, Math.ceil((toMs - fromMs) / bucketMs));
  const sums = new Float64Array(length);
  const counts = new Float64Array(length);
  for (const [window, minutes] of windows.minutes(registration, windowOf(fromMs), windowOf(toMs - 1) + 1, stream)) {
    for (const [minute, count] of minutes.counts.entries()) {
      const atMs = window * windowMs + minute * minuteMs;
      if (count === 0 || atMs < fromMs || atMs >= toMs) continue;
      const at = Math.floor((atMs - fromMs) / bucketMs);
      sums[at] = (sums[at] as number) + (minutes.sums[minute] as number);
      counts[at] = (counts[at] as number) + count;
    }
  }
  for (const [at, count] of counts.entries()) if (count > 0) add(at, (sums[at] as number) / count, 1);
}
