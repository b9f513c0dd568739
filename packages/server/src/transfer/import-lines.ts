import { isRefusal, type PointValue, parseRfc3339, type Refusal, refuse } from "@wattboard/protocol";
import Type from "typebox";
import { Compile } from "typebox/compile";
import { excerpt } from "../base/excerpt.ts";
import {
  type ImportJudge,
  type ImportSample,
  type JudgedSample,
  judgingByPoint,
  refusalsOfValues,
} from "./import/import-sample.ts";

/** Characters of a line: a whole message, however it is written. */
const lineLengthMax = 64 * 1024;
/** Of the values that are left out, so many are named. */
const namedMax = 20;

const lineValidator = Compile(
  Type.Object(
    {
      device_id: Type.String(),
      observed_at: Type.String(),
      received_at: Type.Optional(Type.String()),
      points: Type.Record(Type.String(), Type.Unknown()),
    },
    { additionalProperties: false },
  ),
);

interface ImportLine extends Omit<ImportSample, "points"> {
  readonly points: Readonly<Record<string, unknown>>;
}

/** A value that no sample can hold, and why. */
interface LeftOutValue {
  readonly line: number;
  readonly point: string;
  readonly reason: string;
}

export interface JudgedLines {
  readonly samples: readonly JudgedSample[];
  readonly valuesLeftOut: number;
  /** The first twenty. */
  readonly leftOut: readonly LeftOutValue[];
}

/**
 * The samples of lines of JSON, or what is wrong with the first line that is none. A value that does not fit is left out of its sample, and a sample
 * of which nothing is left is too. A line a step, and of one that does not fit a value.
 */
export function* judgeLines(body: string, judge: ImportJudge, nowMs: number): Generator<void, JudgedLines | Refusal> {
  const samples: JudgedSample[] = [];
  const leftOut: LeftOutValue[] = [];
  let valuesLeftOut = 0;
  let number = 0;
  const leaveOut = (point: string, reason: string): void => {
    if (++valuesLeftOut <= namedMax) leftOut.push({ line: number, point: excerpt(point), reason });
  };
  for (let at = 0, end = 0; at < body.length; at = end + 1) {
    number++;
    end = body.indexOf("\n", at);
    if (end === -1) end = body.length;
    if (end - at > lineLengthMax) {
      return refuse("invalid_schema", `Line ${number} has ${end - at} characters; ${lineLengthMax} are allowed.`);
    }
    yield;
    const text = body.slice(at, end);
    if (text.trim() === "") continue;
    const line = readLine(text, nowMs);
    if (isRefusal(line)) return { ...line, message: `Line ${number}: ${line.message}` };
    const points: Record<string, PointValue> = {};
    for (const [point, value] of Object.entries(line.points)) {
      if (isImportable(value)) points[point] = value;
      else leaveOut(point, "It is neither a number, a text, true, false, null nor a list of texts.");
    }
    if (Object.keys(points).length === 0 && Object.keys(line.points).length > 0) continue;
    const verdict = yield* judgingByPoint(judge, { ...line, points });
    if (!isRefusal(verdict)) {
      for (const { point, refusal } of verdict.refused) leaveOut(point, refusal.message);
      samples.push(verdict.judged);
    } else if (refusalsOfValues.has(verdict.code)) {
      for (const point of Object.keys(points)) leaveOut(point, verdict.message);
    } else return { ...verdict, message: `Line ${number}: ${verdict.message}` };
  }
  return { samples, valuesLeftOut, leftOut };
}

function readLine(line: string, nowMs: number): ImportLine | Refusal {
  let body: unknown;
  try {
    body = JSON.parse(line);
  } catch {
    return refuse("invalid_json");
  }
  if (!lineValidator.Check(body)) {
    const [error] = lineValidator.Errors(body);
    return refuse("invalid_schema", `${error?.instancePath || "The line"} ${error?.message}.`);
  }
  const { device_id: deviceId, observed_at: observedAt, received_at: receivedAt, points } = body;
  const observedAtMs = parseRfc3339(observedAt);
  const receivedAtMs = receivedAt === undefined ? nowMs : parseRfc3339(receivedAt);
  if (Number.isNaN(observedAtMs) || Number.isNaN(receivedAtMs)) return refuse("invalid_timestamp");
  return { deviceId, observedAtMs, receivedAtMs, points };
}

function isImportable(value: unknown): value is PointValue {
  if (Array.isArray(value)) return value.every((each) => typeof each === "string");
  return value === null || ["number", "string", "boolean"].includes(typeof value);
}
