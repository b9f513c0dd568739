import { CoverageMeter } from "../algebra/coverage-meter.ts";
import type { PointValue } from "../algebra/point-value.ts";
import { placesIn } from "../algebra/sample-columns.ts";
import { shortStepMs } from "../algebra/steps.ts";
import { windowOf } from "../algebra/window.ts";
import { runBytes } from "../page-bytes.ts";
import type { Timeline, TimelineQuery, TimelineRun } from "../store.ts";
import type { Work } from "../work.ts";
import { walkSteps } from "./coverage.ts";
import type { OnValue, WindowReader } from "./window-reader.ts";

/** When a point had which value. */
export function* readTimeline(reader: WindowReader, query: TimelineQuery): Work<Timeline> {
  const { registration, fromMs, toMs, limit, bytesMax = Number.POSITIVE_INFINITY } = query;
  const meter = new CoverageMeter([fromMs, toMs], null, { registeredMs: fromMs, nowMs: query.nowMs });
  const longSteps = new Map<number, number>();
  yield* walkSteps(reader, registration, query, false, (window, limits) => {
    meter.add(window, limits);
    if (limits.intoMs > shortStepMs) longSteps.set(window.window, limits.intoMs);
  });
  const stepMsMaxAt = (atMs: number): number => longSteps.get(windowOf(atMs)) ?? shortStepMs;
  const runs: { -readonly [name in keyof TimelineRun]: TimelineRun[name] }[] = [];
  let bytes = 0;
  let truncated = false;
  const onValue: OnValue = (atMs, beforeMs, value) => {
    const run = runs.at(-1);
    // A run that is silent for too long has ended: what came after it is not known.
    const stepMs = atMs - beforeMs;
    const isNear = run !== undefined && (stepMs <= shortStepMs || stepMs <= stepMsMaxAt(atMs));
    if (run !== undefined) run.toMs = isNear ? atMs : beforeMs;
    if (isNear && isSame(run.value, value)) return true;
    truncated = runs.length === limit || bytes >= bytesMax;
    if (truncated) return false;
    bytes += runBytes(value);
    runs.push({ fromMs: atMs, toMs: atMs, value });
    return true;
  };
  if (reader.changes === undefined) yield* readValues(reader, query, onValue);
  else yield* reader.changes(query, longSteps, onValue);
  const last = runs.at(-1);
  if (last !== undefined && !truncated) last.toMs = meter.reach(last.toMs, stepMsMaxAt(last.toMs));
  return { runs, truncated };
}

/** Tells of every sample that has the point. */
function* readValues(reader: WindowReader, query: TimelineQuery, onValue: OnValue): Work<void> {
  const { registration, point, fromMs, toMs } = query;
  let beforeMs = Number.NEGATIVE_INFINITY;
  const next = reader.samples({ registration, points: [point], fromMs, toMs, take: "first" });
  for (let samples = yield* next(); samples !== null; samples = yield* next()) {
    const values = samples.points.get(point);
    if (values === undefined) continue;
    const [from, to] = placesIn(samples, fromMs, toMs);
    for (let at = from; at < to; at++) {
      const value = values[at];
      if (value === undefined) continue;
      const atMs = samples.observedAtMs[at] as number;
      if (!onValue(atMs, beforeMs, value)) return;
      beforeMs = atMs;
    }
  }
}

function isSame(a: PointValue, b: PointValue): boolean {
  return (
    a === b || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => item === b[at]))
  );
}
