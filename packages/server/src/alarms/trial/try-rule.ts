import { limits } from "@wattboard/protocol/constants";
import type { Values } from "../../devices/sample.ts";
import { stepMsMaxOf } from "../../store/algebra/steps.ts";
import { windowMs } from "../../store/algebra/window.ts";
import { isFullPage } from "../../store/page-bytes.ts";
import type { PointSample, StoreReader } from "../../store/store.ts";
import type { PreparedRule } from "../prepared-rule.ts";
import { RuleState, type Said } from "../rule-state.ts";
import { type TrialDevice, type TrialQuery, type TrialResult, type TrialRing, trialRingsMax } from "./trial-query.ts";
import { findChances, type RuleChances } from "./window-chances.ts";

/** The store hands over a page in one go, while its commits wait: some milliseconds. */
const page = { limit: 1_000, bytesMax: 1024 * 1024 };

export interface TrialStep {
  readonly prepared: PreparedRule;
  readonly query: Pick<TrialQuery, "fromMs" | "toMs">;
  readonly signal: AbortSignal;
  /** False: every sample is read, for tests. */
  readonly mayPassOver?: boolean;
}

/**
 * What the rule would have done for one device, by its stored samples in the order in which they were measured, whenever they came. Windows in which
 * no sample can change it are passed over: that makes a month of a device that sends every second a matter of some of its windows.
 */
export async function tryRule(
  reader: StoreReader,
  device: TrialDevice,
  { prepared, query, signal, mayPassOver = true }: TrialStep,
): Promise<TrialResult> {
  const { fromMs, toMs } = query;
  const { registration, deviceId } = device;
  const fromWindow = Math.floor(fromMs / windowMs);
  const span = { fromMs: fromWindow * windowMs, toMs: Math.ceil(toMs / windowMs) * windowMs };
  const chances = await findChances(reader, registration, prepared.rule, span);
  const holdMs = holdMsOf(device, chances);
  const rings: TrialRing[] = [];
  let [times, totalMs] = [0, 0];
  let ringing: TrialRing | null = null;
  const end = (clearedAtMs: number | null): void => {
    if (ringing === null) return;
    times++;
    totalMs += (clearedAtMs ?? toMs) - ringing.raisedAtMs;
    if (rings.length < trialRingsMax) rings.push({ ...ringing, clearedAtMs });
    ringing = null;
  };
  const state = new RuleState(prepared);
  const onChange = ({ onset }: RuleState, atMs: number): void => {
    if (onset.isRinging) ringing = { deviceId, sinceMs: onset.heldSinceMs, raisedAtMs: atMs, clearedAtMs: null };
    else end(atMs);
  };
  const points = pointsAsked(prepared);
  // What one message said holds for the next ones: where a rule has several conditions, it is read from where that began.
  const marginMs = prepared.when.length + (prepared.clearWhen?.length ?? 0) === 1 ? 0 : holdMs;
  let readToMs = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < chances.samples.length; at++) {
    const { onset } = state;
    const mayChange = onset.isPending || (onset.isRinging ? chances.mayClear : chances.mayRing)[at] === 1;
    if (chances.samples[at] === 0 || (mayPassOver && !mayChange)) continue;
    const startMs = span.fromMs + at * windowMs;
    const readMs = Math.max(fromMs, readToMs, startMs - marginMs);
    readToMs = Math.min(toMs, startMs + windowMs);
    const range = { registration, points, fromMs: readMs, toMs: readToMs, signal };
    for await (const sample of storedSamplesOf(reader, range)) {
      state.take(saidBy(sample, points), sample.observedAtMs, holdMs, device.mayRest, onChange);
    }
  }
  state.settle(toMs, holdMs, onChange);
  end(null);
  return { times, totalMs, rings };
}

/** How long a sample speaks for the time after it: by the mean step, since the usual one is not known before all has been read. */
function holdMsOf({ mayRest }: TrialDevice, { samples, coveredMs }: RuleChances): number {
  if (mayRest) return limits.idleMsMax;
  const count = samples.reduce((sum, each) => sum + each, 0);
  return stepMsMaxOf(count === 0 ? 0 : coveredMs / count);
}

/** The points that the rule asks; `undefined` where it asks for the clock, which every sample has. */
function pointsAsked({ when, clearWhen }: PreparedRule): readonly string[] | undefined {
  const points = [...when, ...(clearWhen ?? [])].map(({ point }) => point);
  return points.includes("clock") ? undefined : [...new Set(points)];
}

async function* storedSamplesOf(
  reader: StoreReader,
  range: Omit<Parameters<StoreReader["samples"]>[0], "take" | "limit">,
): AsyncGenerator<PointSample> {
  let beyond: PointSample | undefined;
  for (;;) {
    const samples = await reader.samples({ ...range, ...page, take: "first", beyond });
    yield* samples;
    if (!isFullPage(samples, page)) return;
    beyond = samples.at(-1);
  }
}

/** The sample as a message says it. */
function saidBy({ points, clock }: PointSample, wanted: readonly string[] | undefined): Said {
  const values: Values = {};
  for (const name of wanted ?? Object.keys(points)) {
    const value = points[name];
    if (value === undefined) continue;
    const dot = name.indexOf(".");
    if (dot === -1) {
      if (!Array.isArray(value)) values[name] = value as Values[string];
      continue;
    }
    const section = name.slice(0, dot);
    const body = values[section] ?? {};
    values[section] = { ...(body as object), [name.slice(dot + 1)]: value };
  }
  return { values, clock };
}
