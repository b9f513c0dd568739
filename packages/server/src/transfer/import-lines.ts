import { isRefusal, parseRfc3339, type Refusal, refuse } from "@wattboard/protocol";
import Type from "typebox";
import { Compile } from "typebox/compile";
import type { ImportJudge, ImportSample, JudgedSample } from "./import/import-sample.ts";

/** Characters of a line: a whole message, however it is written. */
const lineLengthMax = 64 * 1024;

const lineValidator = Compile(
  Type.Object(
    {
      device_id: Type.String(),
      observed_at: Type.String(),
      received_at: Type.Optional(Type.String()),
      points: Type.Record(
        Type.String(),
        Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null(), Type.Array(Type.String())]),
      ),
    },
    { additionalProperties: false },
  ),
);

/** The samples of lines of JSON, or what is wrong with the first line that is not good; a line a step. */
export function* judgeLines(
  body: string,
  judge: ImportJudge,
  nowMs: number,
): Generator<void, JudgedSample[] | Refusal> {
  const samples: JudgedSample[] = [];
  let number = 0;
  for (let at = 0, end = 0; at < body.length; at = end + 1) {
    number++;
    end = body.indexOf("\n", at);
    if (end === -1) end = body.length;
    if (end - at > lineLengthMax) {
      return refuse("invalid_schema", `Line ${number} has ${end - at} characters; ${lineLengthMax} are allowed.`);
    }
    yield;
    const line = body.slice(at, end);
    if (line.trim() === "") continue;
    const sample = readLine(line, nowMs);
    const judged = isRefusal(sample) ? sample : judge.judge(sample);
    if (isRefusal(judged)) return { ...judged, message: `Line ${number}: ${judged.message}` };
    samples.push(judged);
  }
  return samples;
}

function readLine(line: string, nowMs: number): ImportSample | Refusal {
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
