import { isRefusal, type Refusal, refuse } from "@wattboard/protocol";
import type Type from "typebox";
import { calendarEdges } from "../../base/time-zone.ts";
import { FleetCoverage } from "../../history/coverage.ts";
import { DeviceHistory, type RegisteredDevice } from "../../history/device-history.ts";
import { chooseNumberPoints, choosePoints } from "../../history/point-names.ts";
import { dayMs, type samplesPlace, type TimeRange } from "../../history/range.ts";
import { writeCursor } from "../../http/cursor.ts";
import { pageBytes } from "../../http/page-bytes.ts";
import { isFullPage } from "../../store/page-bytes.ts";
import { readRegistrationKey } from "../../store/registration.ts";
import type { PointSample, SampleKey, StoreReader } from "../../store/store.ts";
import { storedSampleBody } from "../device-bodies.ts";
import {
  bucketsBody,
  deviceEnergyBody,
  type EnergyQuestion,
  FleetEnergySum,
  fleetTotalsBody,
  pointsBody,
  rawBody,
  timelineBody,
} from "../history-bodies.ts";

/** Registrations of a fleet, a column a figure: 10,000 objects would take the event loop milliseconds to hand over. */
export interface Registrations {
  /** One a line. */
  readonly keys: string;
  readonly createdAtMs: Float64Array;
  readonly fromMs: Float64Array;
}

interface Bucketed extends TimeRange {
  readonly bucketMs: number;
}

/** What is asked of the past: judged already as to who may ask it and what it may span, and plain data, so that another thread can answer it. */
export type Question =
  | { readonly kind: "points"; readonly device: RegisteredDevice; readonly after: number }
  | {
      readonly kind: "samples";
      readonly device: RegisteredDevice;
      readonly range: TimeRange;
      /** As asked, with commas between them; absent: all. */
      readonly points: string | undefined;
      readonly take: "first" | "last";
      readonly limit: number;
      readonly beyond: SampleKey | undefined;
    }
  | {
      readonly kind: "history";
      readonly device: RegisteredDevice;
      readonly range: TimeRange;
      /** The range in buckets, which may be a little longer. */
      readonly aligned: Bucketed;
      readonly points: string | undefined;
      readonly buckets: number;
      readonly nowMs: number;
    }
  | {
      readonly kind: "timeline";
      readonly device: RegisteredDevice;
      readonly range: TimeRange;
      readonly point: string;
      readonly limit: number;
      readonly nowMs: number;
    }
  | ({
      readonly kind: "energy";
      readonly device: RegisteredDevice;
      readonly range: TimeRange;
    } & EnergyQuestion)
  | {
      readonly kind: "fleetTotals";
      readonly fleet: Registrations;
      readonly point: string;
      readonly aligned: Bucketed;
      readonly nowMs: number;
    }
  | ({
      readonly kind: "fleetEnergy";
      readonly fleet: Registrations;
      readonly range: TimeRange;
    } & EnergyQuestion);

/** A body, and up to when what it tells reaches; null where that says nothing. */
export interface Answered {
  readonly body: object;
  readonly untilMs: number | null;
}

/** Points a page: a device has a few dozen, but may name others in the course of years. */
const pointsMax = 2_000;
/** Devices that are asked for at once: the other questions want their turn too. */
const devicesAtOnce = 4;

/** The answer, or why there is none. */
export async function answerTo(
  store: StoreReader,
  question: Question,
  signal: AbortSignal,
): Promise<Answered | Refusal> {
  const past = new DeviceHistory(store);
  switch (question.kind) {
    case "points": {
      const { device, after } = question;
      const known = await store.points(device.registration);
      const next = after + pointsMax < known.length ? writeCursor({ after: after + pointsMax }) : null;
      const body = { ...pointsBody(device.deviceId, known.slice(after, after + pointsMax)), next_cursor: next };
      return { body, untilMs: null };
    }
    case "samples":
      return await answerSamples(store, past, question, signal);
    case "history": {
      const { device, range, aligned, buckets, nowMs } = question;
      const { deviceId } = device;
      const points = chooseNumberPoints(question.points, await store.points(device.registration));
      if (isRefusal(points)) return points;
      const history = await past.history(device, { points, ...aligned, nowMs, signal });
      if (history.samples.reduce((sum, count) => sum + count, 0) > buckets) {
        return { body: bucketsBody(deviceId, aligned, history), untilMs: aligned.toMs };
      }
      const samples = await past.samples(device, { points, ...range, take: "first", limit: buckets, signal });
      return { body: rawBody(deviceId, range, samples, points, history.total), untilMs: aligned.toMs };
    }
    case "timeline": {
      const { device, range, limit, nowMs } = question;
      const points = choosePoints(question.point, await store.points(device.registration));
      if (isRefusal(points)) return points;
      const [point = question.point, another] = points;
      if (another !== undefined) return refuse("invalid_request", "point is one point.");
      const timeline = await past.timeline(device, { point, ...range, nowMs, limit, bytesMax: pageBytes, signal });
      return { body: timelineBody(device.deviceId, range, point, timeline), untilMs: range.toMs };
    }
    case "energy": {
      const { device, nowMs } = question;
      const edgesMs = edgesOf(question);
      const energy = await past.energy(device, { edgesMs, nowMs, signal });
      return {
        body: deviceEnergyBody(device.deviceId, question, energy),
        untilMs: edgesMs.at(-1) ?? question.range.toMs,
      };
    }
    case "fleetTotals": {
      const { point, aligned, nowMs } = question;
      const fleet = devicesFrom(question.fleet);
      const totals = await past.fleetTotals(fleet, { point, ...aligned, signal });
      const sum = new FleetCoverage(aligned);
      const ask = (device: RegisteredDevice) => past.coverage(device, { ...aligned, nowMs, signal });
      for await (const coverage of ofEach(fleet, ask)) sum.add(coverage);
      const body = fleetTotalsBody(point, aligned, fleet.length, totals, sum.finish());
      return { body, untilMs: aligned.toMs };
    }
    case "fleetEnergy": {
      const { nowMs } = question;
      const fleet = devicesFrom(question.fleet);
      const edgesMs = edgesOf(question);
      const fromMs = edgesMs[0] ?? 0;
      const tooMuch = refuseDeviceDays(fleet.length, {
        fromMs,
        toMs: Math.min(edgesMs.at(-1) ?? 0, Math.max(nowMs, fromMs + 1)),
      });
      if (tooMuch !== null) return tooMuch;
      const sum = new FleetEnergySum(edgesMs);
      const ask = (device: RegisteredDevice) => past.energy(device, { edgesMs, nowMs, signal });
      for await (const energy of ofEach(fleet, ask)) sum.add(energy);
      return { body: sum.body(question), untilMs: edgesMs.at(-1) ?? question.range.toMs };
    }
  }
}

/** What each device's question is answered with, a few at once. */
async function* ofEach<T>(
  fleet: readonly RegisteredDevice[],
  ask: (device: RegisteredDevice) => Promise<T>,
): AsyncGenerator<T> {
  for (let first = 0; first < fleet.length; first += devicesAtOnce) {
    yield* await Promise.all(fleet.slice(first, first + devicesAtOnce).map(ask));
  }
}

/** The edges of the calendar's spans that the range is moved out to. */
function edgesOf({ range, per, timeZone }: EnergyQuestion & { readonly range: TimeRange }): number[] {
  return calendarEdges(range.fromMs, range.toMs, per, timeZone);
}

/** Devices times days that one question may read by their summaries. */
const deviceDaysMax = 100_000;

/** Why so much cannot be read for one answer; null where it can. */
export function refuseDeviceDays(devices: number, { fromMs, toMs }: TimeRange): Refusal | null {
  const deviceDays = (devices * (toMs - fromMs)) / dayMs;
  if (deviceDays <= deviceDaysMax) return null;
  return refuse(
    "range_too_large",
    `Devices times days may be ${deviceDaysMax}; here they are ${Math.ceil(deviceDays)}. Ask for fewer devices or days.`,
  );
}

async function answerSamples(
  store: StoreReader,
  past: DeviceHistory,
  question: Question & { readonly kind: "samples" },
  signal: AbortSignal,
): Promise<Answered | Refusal> {
  const { device, range, take, limit, beyond } = question;
  const { deviceId } = device;
  const points =
    question.points === undefined ? undefined : choosePoints(question.points, await store.points(device.registration));
  if (isRefusal(points)) return points;
  const bounds = { limit, bytesMax: pageBytes };
  const samples = await past.samples(device, { ...range, points, take, ...bounds, beyond, signal });
  const last = isFullPage(samples, bounds) ? samples.at(take === "first" ? -1 : 0) : undefined;
  const body = {
    samples: samples.map((sample) => storedSampleBody(deviceId, sample)),
    next_cursor: last === undefined ? null : writeCursor(samplesPlaceOf(range, take, last)),
  };
  return { body, untilMs: range.toMs };
}

function samplesPlaceOf(
  { fromMs, toMs }: TimeRange,
  take: "first" | "last",
  { observedAtMs, epoch, seq }: PointSample,
): Type.Static<typeof samplesPlace> {
  return { f: fromMs, t: toMs, k: take, o: observedAtMs, e: epoch, s: seq };
}

/** The columns of registrations, for {@link Question}. */
export function registrationsOf(devices: readonly RegisteredDevice[]): Registrations {
  return {
    keys: devices.map(({ registration }) => registration.key).join("\n"),
    createdAtMs: Float64Array.from(devices, ({ createdAtMs }) => createdAtMs),
    fromMs: Float64Array.from(devices, ({ registration }) => registration.fromMs),
  };
}

function devicesFrom({ keys, createdAtMs, fromMs }: Registrations): RegisteredDevice[] {
  if (keys === "") return [];
  return keys.split("\n").map((key, at) => ({
    deviceId: readRegistrationKey(key).deviceId,
    registration: { key, fromMs: fromMs[at] as number },
    createdAtMs: createdAtMs[at] as number,
  }));
}
