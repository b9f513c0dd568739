import type { PointsBody, TimelineBody } from "@wattboard/protocol";
import { usePolled } from "../../api/use-polled.ts";
import { bandPoints } from "../../live/power-history.ts";
import { apiPaths } from "../../paths.ts";
import { formatNumber } from "../../ui/format-number.ts";
import { type BandAxis, type PlotCursor, StateBand } from "./state-band.tsx";

interface HistoryBandsProps {
  readonly deviceId: string;
  /** The period, as the API takes it; null where it is too long for states. */
  readonly range: { readonly from: string; readonly to: string } | null;
  readonly everyMs: number;
  readonly axis: BandAxis;
  readonly cursor: PlotCursor;
}

/** Bands beside those of state, mode and errors. Each is a question to the store; what is above is on the API. */
const furtherMax = 3;
/** Runs of a band. What comes later is not drawn, and the band says so. */
const runsMax = 1_000;
const pointsEveryMs = 60_000;

/** What the device did in the period of the history: its states and modes, its errors, and switches of its own. */
export function HistoryBands({ deviceId, range, everyMs, axis, cursor }: HistoryBandsProps) {
  const points = usePolled<PointsBody>(apiPaths.points(deviceId), { everyMs: pointsEveryMs }).body?.points ?? [];
  if (range === null) return <p className="fine">States are shown for a day, a week or a month.</p>;
  return chooseBands(points).map((point) => (
    <HistoryBand
      key={point}
      path={apiPaths.timeline(deviceId, { ...range, limit: runsMax, point })}
      point={point}
      everyMs={everyMs}
      axis={axis}
      cursor={cursor}
    />
  ));
}

interface HistoryBandProps {
  readonly path: string;
  readonly point: string;
  readonly everyMs: number;
  readonly axis: BandAxis;
  readonly cursor: PlotCursor;
}

function HistoryBand({ path, point, everyMs, axis, cursor }: HistoryBandProps) {
  const { body, failure } = usePolled<TimelineBody>(path, { everyMs });
  if (body === null) return failure === null ? null : <p className="fine">{failure.message}</p>;
  const runs = body.runs.map(({ from, to, value }) => ({ fromMs: Date.parse(from), toMs: Date.parse(to), value }));
  const untilMs = body.next_from === null ? null : Date.parse(body.next_from);
  return (
    <>
      <StateBand
        point={point}
        runs={runs}
        axis={untilMs === null ? axis : { ...axis, passedMs: untilMs }}
        cursor={cursor}
      />
      {untilMs !== null && (
        <p className="fine">
          It changed more than {formatNumber(runsMax, 0)} times: shown until {axis.timeOf(untilMs)}. A shorter period
          shows the rest.
        </p>
      )}
    </>
  );
}

/** Of the points that a device has sent: those of the catalogue, then texts and switches that it has of its own. Times are no states. */
function chooseBands(points: PointsBody["points"]): string[] {
  const sent = new Set(points.map(({ name }) => name));
  const further = points
    .filter(
      ({ name, kinds }) => !name.startsWith("system_status.") && !name.endsWith("_time") && !kinds.includes("number"),
    )
    .map(({ name }) => name);
  return [...bandPoints.filter((name) => sent.has(name)), ...further.slice(0, furtherMax)];
}
