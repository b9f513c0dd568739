import type { Condition } from "@wattboard/protocol/constants";
import { asNumber, conditionTest, isRefusal, parseCondition } from "@wattboard/protocol/constants";
import { windowMs } from "../../store/algebra/window.ts";
import type { Registration } from "../../store/registration.ts";
import type { History, PointInfo, StoreReader, TimelineRun } from "../../store/store.ts";
import type { AlarmRule } from "../alarm-record.ts";
import { fullPointName } from "../prepared-rule.ts";

/** Whether a condition may be met, and may fail, by some sample of a window; conservative: what cannot be told may. */
interface Chances {
  readonly mayMeet: Uint8Array;
  readonly mayFail: Uint8Array;
}

/** In which windows of a range the rule may begin to ring, and may cease to: in all others no sample can change it. */
export interface RuleChances {
  readonly mayRing: Uint8Array;
  readonly mayClear: Uint8Array;
  /** Samples in each window. */
  readonly samples: readonly number[];
  readonly coveredMs: number;
}

const runsMax = 20_000;

interface TrialSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Tells it from the windows' summaries and from when texts and flags changed, without reading a sample. The span is one of whole windows. */
export async function findChances(
  reader: Pick<StoreReader, "history" | "points" | "timeline">,
  registration: Registration,
  rule: AlarmRule,
  span: TrialSpan,
): Promise<RuleChances> {
  const when = rule.when.map(parsed);
  const clearWhen = rule.clearWhen?.map(parsed) ?? null;
  const all = [...when, ...(clearWhen ?? [])];
  const known = new Map((await reader.points(registration)).map((point) => [point.name, point]));
  const numbers = all.map(({ field }) => fullPointName(field)).filter((point) => isNumeric(known.get(point)));
  const history = await reader.history({
    registration,
    points: [...new Set(numbers)],
    ...span,
    bucketMs: windowMs,
  });
  const count = history.samples.length;
  const chancesOf = async (condition: Condition): Promise<Chances> => {
    const point = fullPointName(condition.field);
    if (point === "clock") return everywhere(count);
    const info = known.get(point);
    if (info === undefined) return nowhere(count);
    if (isNumeric(info)) return fromNumbers(condition, point, history);
    const { runs, truncated } = await reader.timeline({ registration, point, ...span, limit: runsMax });
    return truncated ? everywhere(count) : fromRuns(condition, runs, span.fromMs, count);
  };
  const ring = [];
  for (const condition of when) ring.push(await chancesOf(condition));
  const mayRing = allOf(
    ring.map(({ mayMeet }) => mayMeet),
    count,
  );
  let mayClear = anyOf(
    ring.map(({ mayFail }) => mayFail),
    count,
  );
  if (clearWhen !== null) {
    const clear = [];
    for (const condition of clearWhen) clear.push((await chancesOf(condition)).mayMeet);
    mayClear = allOf(clear, count);
  }
  return { mayRing, mayClear, samples: history.samples, coveredMs: history.total.coveredMs };
}

function parsed(text: string): Condition {
  const condition = parseCondition(text);
  // The rule was prepared before.
  if (isRefusal(condition)) throw new Error(condition.message);
  return condition;
}

function isNumeric(info: PointInfo | undefined): boolean {
  return info !== undefined && info.kinds.length === 1 && info.kinds[0] === "number";
}

/** A window has numbers of the point from its least to its greatest. */
function fromNumbers(condition: Condition, point: string, history: History): Chances {
  const { min, max } = history.points[point] ?? { min: [], max: [] };
  const count = history.samples.length;
  const { operator, value } = condition;
  const limit = asNumber(value);
  const test = conditionTest(condition);
  const meets = (number: number): boolean => test(number) === "meets";
  const isOrdered = limit !== null && operator !== "~" && operator !== "^";
  const [mayMeet, mayFail] = [new Uint8Array(count), new Uint8Array(count)];
  for (let at = 0; at < count; at++) {
    const [least, greatest] = [min[at] ?? null, max[at] ?? null];
    // No number, no sample that says it; the summary of a window that cannot be read says nothing.
    if (least === null || greatest === null) continue;
    const isWithin = limit !== null && least <= limit && limit <= greatest;
    const isEqual = operator === "=" || operator === "!=";
    mayMeet[at] = Number(!isOrdered || meets(least) || meets(greatest) || (isEqual && operator === "=" && isWithin));
    mayFail[at] = Number(!isOrdered || !meets(least) || !meets(greatest) || (isEqual && operator === "!=" && isWithin));
  }
  return { mayMeet, mayFail };
}

function fromRuns(condition: Condition, runs: readonly TimelineRun[], fromMs: number, count: number): Chances {
  const test = conditionTest(condition);
  const [mayMeet, mayFail] = [new Uint8Array(count), new Uint8Array(count)];
  for (const run of runs) {
    const marked = test(run.value) === "meets" ? mayMeet : mayFail;
    const first = Math.max(0, Math.floor((run.fromMs - fromMs) / windowMs));
    const last = Math.min(count - 1, Math.floor((run.toMs - fromMs) / windowMs));
    marked.fill(1, first, last + 1);
  }
  return { mayMeet, mayFail };
}

function everywhere(count: number): Chances {
  return { mayMeet: new Uint8Array(count).fill(1), mayFail: new Uint8Array(count).fill(1) };
}

function nowhere(count: number): Chances {
  return { mayMeet: new Uint8Array(count), mayFail: new Uint8Array(count) };
}

function allOf(chances: readonly Uint8Array[], count: number): Uint8Array {
  const all = new Uint8Array(count).fill(1);
  for (const each of chances) for (let at = 0; at < count; at++) all[at] = (all[at] as number) & (each[at] as number);
  return all;
}

function anyOf(chances: readonly Uint8Array[], count: number): Uint8Array {
  const any = new Uint8Array(count);
  for (const each of chances) for (let at = 0; at < count; at++) any[at] = (any[at] as number) | (each[at] as number);
  return any;
}
