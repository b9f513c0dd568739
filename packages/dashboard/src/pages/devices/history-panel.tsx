import { type DeviceDetail, type DeviceEnergyBody, type HistoryBody, paths } from "@wattboard/protocol";
import { useRef, useState } from "react";
import { serverClock } from "../../api/server-clock.ts";
import { type Polled, usePolled } from "../../api/use-polled.ts";
import { Icon } from "../../ui/icon.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { CoverageStrip } from "./coverage-strip.tsx";
import { EnergyBars } from "./energy-bars.tsx";
import { HistoryBands } from "./history-bands.tsx";
import { HistoryChart, historyPoints, timeIn } from "./history-chart.tsx";
import { dateIn, type Period, type PeriodUnit, periodName, periodOf, periodUnits } from "./period.ts";
import "./history.css";

const unitNames: Record<PeriodUnit, string> = { day: "Day", week: "Week", month: "Month", year: "Year" };
/** Means that show the course of a day, and of the days of a longer time. One more than the days of a month: one of them can have 25 hours. */
const bucketsOf: Record<PeriodUnit, number> = { day: 300, week: 170, month: 32, year: 60 };
const perOf: Record<PeriodUnit, DeviceEnergyBody["per"]> = { day: "hour", week: "day", month: "day", year: "month" };
/** What is going on grows by a bucket in this time at the soonest; what is over hardly changes. */
const everyMs = 60_000;
const pastEveryMs = 15 * 60_000;

/** What was stored of a device, by day, week, month and year of its time zone: a chart, how much was measured, and energy. */
export function HistoryPanel({ detail }: { readonly detail: DeviceDetail }) {
  const [unit, setUnit] = useState<PeriodUnit>("day");
  const [back, setBack] = useState(0);
  // The server knows the zone of a site that is not said; the first answer tells.
  const [told, setTold] = useState<string | undefined>(detail.properties.time_zone);
  const nowMs = serverClock.now();
  const period = periodOf(unit, dateIn(told, nowMs), back);
  const range = `from=${period.from}&to=${period.to}`;
  const path = `${paths.api}/devices/${detail.device_id}`;
  const options = { everyMs: back === 0 ? everyMs : pastEveryMs };
  const history = useLastGood(
    usePolled<HistoryBody>(`${path}/history?${range}&buckets=${bucketsOf[unit]}&points=${historyPoints}`, options),
  );
  const energy = useLastGood(usePolled<DeviceEnergyBody>(`${path}/energy?${range}&per=${perOf[unit]}`, options));
  const timeZone = energy.body?.time_zone;
  if (timeZone !== undefined && timeZone !== told) setTold(timeZone);
  const failure = history.failure ?? energy.failure;
  const historyBody = history.body;

  return (
    <>
      <Panel
        title="History"
        className={`chart-panel history-panel ${history.isLate ? "is-late" : ""}`}
        aside={
          <div className="segments">
            {periodUnits.map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={each === unit}
                onClick={() => {
                  setUnit(each);
                  setBack(0);
                }}
              >
                {unitNames[each]}
              </button>
            ))}
          </div>
        }
      >
        <div className="period">
          <button
            type="button"
            className="icon-button"
            aria-label={`The ${unit} before`}
            onClick={() => setBack(back + 1)}
          >
            <Icon name="left" />
          </button>
          <button
            type="button"
            className="icon-button is-forth"
            aria-label={`The ${unit} after`}
            disabled={back === 0}
            onClick={() => setBack(back - 1)}
          >
            <Icon name="left" />
          </button>
          <p className="period-name">
            {periodName(period)}
            {timeZone !== undefined && <span className="muted"> · {timeZone.replaceAll("_", " ")}</span>}
          </p>
        </div>
        {failure !== null && (
          <Notice tone="warn" title="The history cannot be shown just now.">
            <p>{failure.message}</p>
          </Notice>
        )}
        {historyBody !== null && timeZone !== undefined && (
          <>
            <HistoryChart
              history={historyBody}
              timeZone={timeZone}
              toMs={endOf(period, historyBody, back === 0)}
              below={(cursor) => (
                <HistoryBands
                  deviceId={detail.device_id}
                  range={unit === "year" ? null : range}
                  everyMs={options.everyMs}
                  axis={{
                    fromMs: Date.parse(historyBody.from),
                    passedMs: Math.min(nowMs, Date.parse(historyBody.to)),
                    toMs: endOf(period, historyBody, back === 0),
                    timeOf: (ms) => timeIn(timeZone, ms),
                  }}
                  cursor={cursor}
                />
              )}
            />
            <CoverageStrip
              history={historyBody}
              toMs={endOf(period, historyBody, back === 0)}
              nowMs={Math.min(nowMs, Date.parse(historyBody.to))}
              timeZone={timeZone}
            />
          </>
        )}
      </Panel>
      <Panel title="Energy" className={`energy-panel ${energy.isLate ? "is-late" : ""}`}>
        {energy.body !== null && <EnergyBars energy={energy.body} bars={period.bars} />}
      </Panel>
    </>
  );
}

/** The end of a period: as it was answered where it is over, else as long as it usually is. */
function endOf({ from, to }: Period, history: HistoryBody, isPresent: boolean): number {
  const toMs = Date.parse(history.to);
  return isPresent ? Math.max(toMs, Date.parse(history.from) + Date.parse(to) - Date.parse(from)) : toMs;
}

interface LastGood<Body> extends Polled<Body> {
  /** The body is that of an earlier question, until the answer is there. */
  readonly isLate: boolean;
}

/** Keeps what was shown until the next answer is there: the page does not jump. */
function useLastGood<Body>(polled: Polled<Body>): LastGood<Body> {
  const last = useRef<Body | null>(null);
  if (polled.body !== null) last.current = polled.body;
  return { ...polled, body: polled.body ?? last.current, isLate: polled.body === null && last.current !== null };
}
