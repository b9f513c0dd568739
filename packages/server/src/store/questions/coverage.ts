import { bucketEdges } from "../algebra/buckets.ts";
import { CoverageMeter } from "../algebra/coverage-meter.ts";
import { marginWindows, type OnWindow, StepRule } from "../algebra/steps.ts";
import { windowOf } from "../algebra/window.ts";
import { ownFromMs, type Registration } from "../registration.ts";
import type { CoverageQuery, CoverageSpans } from "../store.ts";
import type { Work } from "../work.ts";
import type { EnergyWindow, WindowReader } from "./window-reader.ts";

/** What of a question says which steps there are to look at. */
type StepsQuery = Pick<CoverageQuery, "registration" | "registeredMs" | "nowMs">;

/** How much of each bucket was measured. */
export function readCoverage(reader: WindowReader, query: CoverageQuery): Work<CoverageSpans> {
  return coverageBetween(reader, query, query.bucketMs, bucketEdges(query));
}

/** The coverage between the edges, in figures of that width; with `onEnergy`, the windows are handed on to it with their energies. */
export function* coverageBetween(
  reader: WindowReader,
  query: StepsQuery,
  bucketMs: number,
  edgesMs: readonly number[],
  onEnergy?: OnWindow<EnergyWindow>,
): Work<CoverageSpans> {
  const { registration, registeredMs = Number.POSITIVE_INFINITY } = query;
  const own = { ...registration, fromMs: ownFromMs(registration, bucketMs) };
  const fromMs = edgesMs[0] as number;
  // Where the registration is older than the range, it is expected from its start on.
  const firstMs = registeredMs <= fromMs ? null : yield* reader.firstSampleMs(own);
  const meter = new CoverageMeter(edgesMs, firstMs, query);
  const range = { fromMs, toMs: edgesMs.at(-1) as number };
  yield* walkSteps(reader, own, range, onEnergy !== undefined, (window, limits, before) => {
    meter.add(window, limits);
    onEnergy?.(window, limits, before);
  });
  return meter.finish();
}

/** Hands on the windows of a range and, since they say what is usual there, those around it. */
export function* walkSteps(
  reader: WindowReader,
  registration: Registration,
  { fromMs, toMs }: Pick<CoverageQuery, "fromMs" | "toMs">,
  isEnergyWanted: boolean,
  onWindow: OnWindow<EnergyWindow>,
): Work<void> {
  const rule = new StepRule(onWindow);
  const first = Math.max(windowOf(fromMs) - marginWindows, windowOf(registration.fromMs));
  const end = windowOf(toMs - 1) + 1 + marginWindows;
  yield* reader.windows(registration, first, end, isEnergyWanted, (window) => rule.add(window));
  rule.finish();
}
