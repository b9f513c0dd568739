import { points as catalogue, isRefusal, limits, type Refusal, refuse, valueFaults } from "@wattboard/protocol";
import { excerpt } from "../../base/excerpt.ts";
import { DeviceState } from "../../devices/device-state.ts";
import { type PointValue, telemetryOf } from "../../store/algebra/point-value.ts";
import { recordBytes, writeRecord } from "../../store/sample-record.ts";
import { decode } from "../../telemetry/gatekeeper.ts";
import { isPointName } from "./point-name.ts";

/** One sample of the past, on its way into the store. */
export interface ImportSample {
  readonly deviceId: string;
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly points: Readonly<Record<string, PointValue>>;
}

/** A sample that has been judged good, with the message that a device would have sent. */
export interface JudgedSample {
  readonly deviceId: string;
  readonly observedAtMs: number;
  readonly receivedAtMs: number;
  readonly message: Buffer;
  readonly pointNames: readonly string[];
}

/** Points of one sample: the whole catalogue, and as many others as a device may have. */
const pointsMax = catalogue.length + limits.extraPointsMax;

/**
 * Judges samples of the past as the gatekeeper judges live ones, but for the clock: they may be as old as 1970. One for a whole import, since
 * the number of points that a device may have is bounded.
 */
export class ImportJudge {
  readonly #nowMs: number;
  readonly #isRegistered: (deviceId: string) => boolean;
  /** Bounded by the registrations. */
  readonly #states = new Map<string, DeviceState>();

  constructor(nowMs: number, isRegistered: (deviceId: string) => boolean) {
    this.#nowMs = nowMs;
    this.#isRegistered = isRegistered;
  }

  judge({ deviceId, observedAtMs, receivedAtMs, points }: ImportSample): JudgedSample | Refusal {
    if (!this.#isRegistered(deviceId)) {
      return refuse("unknown_device", `It is ${excerpt(deviceId)}; register it first: wattboard device add ID`);
    }
    // Only what is past: a sample of the future would be taken for the latest until then.
    const latestMs = this.#nowMs + limits.clockSkewMsMax;
    if (!(observedAtMs >= 0 && observedAtMs <= latestMs && receivedAtMs >= 0 && receivedAtMs <= latestMs)) {
      return refuse("invalid_timestamp", "Times from 1970 until now can be imported.");
    }
    const names = Object.keys(points);
    if (names.length > pointsMax) return refuse("too_many_points", `The sample has ${names.length} points.`);
    const fault = describeMisnamed(names);
    if (fault !== null) return refuse("invalid_name", fault);
    let state = this.#states.get(deviceId);
    if (state === undefined) {
      state = new DeviceState(deviceId, deviceId);
      this.#states.set(deviceId, state);
    }
    const telemetry = telemetryOf(deviceId, new Date(observedAtMs).toISOString(), points);
    // A message without a value of a known section is none; a sample whose only values stand elsewhere, or that has none, still is one.
    telemetry.system_status ??= {};
    const message = Buffer.from(JSON.stringify(telemetry));
    if (message.length > limits.frameBytesMax) {
      return refuse(
        "invalid_schema",
        `The sample has ${message.length} bytes as a message; ${limits.frameBytesMax} are allowed.`,
      );
    }
    const verdict = decode(state, message, this.#nowMs);
    if (isRefusal(verdict)) return verdict;
    const leftOut = verdict.faults?.find(({ fault }) => !valueFaults[fault].isKept);
    if (leftOut !== undefined) {
      return refuse("invalid_schema", `${leftOut.point}: ${valueFaults[leftOut.fault].message}`);
    }
    return { deviceId, observedAtMs, receivedAtMs, message: verdict.frame, pointNames: names };
  }
}

/** Refusals that are about single values, so that the others of the sample can be kept. */
export const refusalsOfValues: ReadonlySet<string> = new Set([
  "invalid_schema",
  "invalid_name",
  "nested_value",
  "nothing_usable",
  "text_too_long",
  "too_many_points",
]);

/** A point that was left out of a sample, and why. */
interface RefusedPoint {
  readonly point: string;
  readonly value: PointValue;
  readonly refusal: Refusal;
}

/** What a sample is judged to be, and what was left out of it; a refusal where nothing is left. */
export type JudgedByPoint =
  | { readonly sample: ImportSample; readonly judged: JudgedSample; readonly refused: readonly RefusedPoint[] }
  | Refusal;

/** Judges a sample; where it is refused for single values, they alone are left out. A value a step. */
export function* judgingByPoint(judge: ImportJudge, sample: ImportSample): Generator<void, JudgedByPoint> {
  const verdict = judge.judge(sample);
  if (!isRefusal(verdict)) return { sample, judged: verdict, refused: [] };
  if (!refusalsOfValues.has(verdict.code)) return verdict;
  const refused: RefusedPoint[] = [];
  const good: Record<string, PointValue> = {};
  for (const [point, value] of Object.entries(sample.points)) {
    yield;
    const alone = judge.judge({ ...sample, points: { [point]: value } });
    if (isRefusal(alone)) refused.push({ point, value, refusal: alone });
    else good[point] = value;
  }
  const rest = { ...sample, points: good };
  const judged = Object.keys(good).length === 0 ? verdict : judge.judge(rest);
  return isRefusal(judged) ? judged : { sample: rest, judged, refused };
}

/** The same in one go. */
export function judgeByPoint(judge: ImportJudge, sample: ImportSample): JudgedByPoint {
  const work = judgingByPoint(judge, sample);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Far below every epoch of a link, which are times of our century. */
const importEpochOffset = 1e14;

/**
 * Writes the sample as a record. Its place in (registration, epoch, seq) comes from its time and from its number among those of the same time, so that
 * one that is imported twice is stored once.
 */
export function recordOf(key: string, { observedAtMs, receivedAtMs, message }: JudgedSample, seq: number): Buffer {
  const keyBytes = Buffer.from(key, "latin1");
  const record = Buffer.allocUnsafe(recordBytes(keyBytes, message));
  const epoch = observedAtMs - importEpochOffset;
  writeRecord(record, 0, { observedAtMs, receivedAtMs, clock: "device", epoch, seq }, keyBytes, message);
  return record;
}

/** What is wrong with the points' names, in words, or null. */
function describeMisnamed(names: readonly string[]): string | null {
  const misnamed = names.find((name) => !isPointName(name));
  if (misnamed !== undefined) return `It is ${excerpt(misnamed)}.`;
  const sections = new Set(names.filter((name) => name.includes(".")).map((name) => name.split(".", 1)[0]));
  const both = names.find((name) => sections.has(name));
  return both === undefined ? null : `${both} is a point and a section at once.`;
}
