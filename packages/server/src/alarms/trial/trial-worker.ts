import { workerData } from "node:worker_threads";
import { isRefusal } from "@wattboard/protocol/constants";
import { Failure } from "../../base/failure.ts";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { type RunningCall, serveMethods } from "../../base/worker-methods.ts";
import { PortReader } from "../../store/read-port.ts";
import { prepareRule } from "../prepared-rule.ts";
import { type TrialMethods, type TrialQuery, type TrialResult, type TrialSetup, trialRingsMax } from "./trial-query.ts";
import { tryRule } from "./try-rule.ts";

/** Devices that are tried at once: while the samples of one are judged, the store reads those of another. */
const devicesAtOnce = 3;

lowerThreadPriority();
const { store } = workerData as TrialSetup;
const reader = new PortReader(store);

serveMethods<TrialMethods>(
  { try: tryAll },
  {
    failureOf(error) {
      const reason = error instanceof Error ? error.message : String(error);
      return new Failure("store_failed", `The rule could not be tried: ${reason}.`, error);
    },
  },
);

async function tryAll(query: TrialQuery, call: RunningCall): Promise<TrialResult> {
  const { rule, devices } = query;
  const prepared = prepareRule(rule);
  // The rule was prepared before it came here.
  if (isRefusal(prepared)) throw new Error(prepared.message);
  let result: TrialResult = { times: 0, totalMs: 0, rings: [] };
  let [begun, done] = [0, 0];
  const next = async (): Promise<void> => {
    while (begun < devices.length && !call.isAbandoned) {
      const device = devices[begun++] as TrialQuery["devices"][number];
      result = added(result, await tryRule(reader, device, { prepared, query, signal: call.signal }));
      call.progress(++done / devices.length);
    }
  };
  await Promise.all(Array.from({ length: devicesAtOnce }, next));
  return result;
}

/** Of the alarms of both the first ones. */
function added(one: TrialResult, other: TrialResult): TrialResult {
  const rings = [...one.rings, ...other.rings].sort((a, b) => a.raisedAtMs - b.raisedAtMs);
  return {
    times: one.times + other.times,
    totalMs: one.totalMs + other.totalMs,
    rings: rings.slice(0, trialRingsMax),
  };
}
