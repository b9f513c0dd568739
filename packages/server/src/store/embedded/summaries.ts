import { energyStreams } from "../algebra/energy.ts";
import { firstAtOrAfter } from "../algebra/sample-columns.ts";
import { summarize } from "../algebra/window-summary.ts";
import type { Registration } from "../registration.ts";
import { type DayColumns, type DayParts, dayOf } from "./codec/day-codec.ts";
import type { Windows } from "./windows.ts";

/** Some summaries of a day: those from one place to before another. */
interface SummaryRun {
  readonly day: DayColumns;
  readonly from: number;
  readonly to: number;
}

/** The summaries of a range, oldest first: sealed windows' as they are kept; others', and those that cannot be read, made from their samples. */
export function* summaries(
  windows: Windows,
  registration: Registration,
  fromWindow: number,
  toWindow: number,
  parts: DayParts,
): Generator<SummaryRun> {
  let fresh = windows.fresh(registration, fromWindow, toWindow);
  const wanted = new Set([...parts.points, ...(parts.energy ? energyStreams : [])]);
  const freshThrough = function* (last: number): Generator<SummaryRun> {
    for (let [window] = fresh; window !== undefined && window <= last; [window] = fresh) {
      fresh.shift();
      const columns = windows.read(registration, window, wanted);
      if (columns !== null && columns.count > 0)
        yield { day: dayOf(summarize(window, columns), parts), from: 0, to: 1 };
    }
  };
  for (const { columns: day, lacking } of windows.days(registration, fromWindow, toWindow, parts)) {
    if (lacking.length > 0) fresh = [...new Set([...fresh, ...lacking])].sort((a, b) => a - b);
    if (day === null) continue;
    const end = firstAtOrAfter(day.windows, day.windows.length, toWindow);
    let from = firstAtOrAfter(day.windows, end, fromWindow);
    for (let at = from; at < end; at++) {
      const window = day.windows[at] as number;
      if (fresh[0] === undefined || fresh[0] > window) continue;
      if (at > from) yield { day, from, to: at };
      // Of a window that is sealed and has more since, only what is made from all of it.
      const isFresh = fresh.includes(window);
      yield* freshThrough(window);
      from = isFresh ? at + 1 : at;
    }
    if (end > from) yield { day, from, to: end };
  }
  yield* freshThrough(Number.POSITIVE_INFINITY);
}
