import type { DeviceDetail, DeviceEnergyBody, HistoryBody } from "@wattboard/protocol";
import { useEffect, useRef, useState } from "react";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import type { PlotMark } from "../../ui/plot/marks.ts";
import { Segments } from "../../ui/segments.tsx";
import { CoverageStrip } from "./coverage-strip.tsx";
import { EnergyBars } from "./energy-bars.tsx";
import { HistoryBands } from "./history-bands.tsx";
import { HistoryChart, historyPoints, timeIn } from "./history-chart.tsx";
import styles from "./history-panel.module.css";
import {
  dateIn,
  daysBetween,
  hoursAround,
  type Period,
  type PeriodUnit,
  periodName,
  periodOf,
  periodUnits,
} from "./period.ts";
import { useMarks } from "./use-marks.ts";

type Unit = Period["unit"];
const unitNames: Record<Unit, string> = { hours: "2 hours", day: "Day", week: "Week", month: "Month", year: "Year" };
/** Means that show the course of a day, and of the days of a longer time. One more than the days of a month: one of them can have 25 hours. */
const bucketsOf: Record<Unit, number> = { hours: 300, day: 300, week: 170, month: 32, year: 60 };
const perOf: Record<Unit, DeviceEnergyBody["per"]> = {
  hours: "hour",
  day: "hour",
  week: "day",
  month: "day",
  year: "month",
};
/** What is going on grows by a bucket in this time at the soonest; what is over hardly changes. */
const everyMs = 60_000;
const pastEveryMs = 15 * 60_000;

interface HistoryPanelProps {
  readonly detail: DeviceDetail;
  /** The instant that it opens at, which is marked; null: today. */
  readonly atMs: number | null;
}

/** What was stored of a device, by day, week, month and year of its time zone: a chart, how much was measured, and energy. */
export function HistoryPanel({ detail, atMs }: HistoryPanelProps) {
  const timeZone = detail.time_zone;
  const nowMs = serverClock.now();
  const [unit, setUnit] = useState<Unit>(atMs === null ? "day" : "hours");
  const [back, setBack] = useState(0);
  const ref = useRef<HTMLDivElement>(null);
  const hasHistory = useRef(false);
  const today = dateIn(timeZone, nowMs);
  const period = unit === "hours" && atMs !== null ? hoursAround(atMs) : periodOf(asDays(unit), today, back);
  const isPresent = unit === "hours" ? Date.parse(period.to) > nowMs : back === 0;
  const range = { from: period.from, to: period.to };
  const options = { everyMs: isPresent ? everyMs : pastEveryMs, keepsBefore: true };
  const history = usePolled<HistoryBody>(
    apiPaths.history(detail.device_id, { ...range, buckets: bucketsOf[unit], points: historyPoints }),
    options,
  );
  const energy = usePolled<DeviceEnergyBody>(
    apiPaths.energy(detail.device_id, { ...range, per: perOf[unit] }),
    options,
  );
  const failure = history.failure ?? energy.failure;
  const historyBody = history.body;
  const marks = useMarks(detail.device_id, range);
  const chosen: PlotMark[] = atMs === null ? [] : [{ atMs, tone: "chosen", label: "The instant of the link" }];
  // Whoever comes for an instant does not have to look for it.
  useEffect(() => {
    if (atMs === null || historyBody === null || hasHistory.current) return;
    hasHistory.current = true;
    ref.current?.scrollIntoView({ block: "start" });
  }, [atMs, historyBody]);

  return (
    <>
      <Panel
        title="History"
        fills
        isBusy={history.isLate}
        aside={
          <Segments
            label="How long"
            value={unit}
            options={(atMs === null ? periodUnits : (["hours", ...periodUnits] as const)).map((each) => [
              each,
              unitNames[each],
            ])}
            onChange={(each) => {
              setUnit(each);
              // From the instant of a link one goes on to its day.
              setBack(
                each === "day" && unit === "hours" && atMs !== null ? daysBetween(dateIn(timeZone, atMs), today) : 0,
              );
            }}
          />
        }
      >
        <div ref={ref} className={styles.period}>
          {unit !== "hours" && <Steps unit={unit} back={back} onBack={setBack} />}
          <p className={styles.name}>
            {periodName(period, timeZone)}
            <span className="muted"> · {timeZone.replaceAll("_", " ")}</span>
          </p>
        </div>
        {failure !== null && (
          <Notice tone="warn" title="The history cannot be shown just now.">
            <p>{failure.message}</p>
          </Notice>
        )}
        {historyBody !== null && (
          <>
            <HistoryChart
              history={historyBody}
              timeZone={timeZone}
              toMs={endOf(period, historyBody, isPresent)}
              marks={[...marks, ...chosen]}
              below={(cursor) => (
                <HistoryBands
                  deviceId={detail.device_id}
                  range={unit === "year" ? null : range}
                  everyMs={options.everyMs}
                  axis={{
                    fromMs: Date.parse(historyBody.from),
                    expectedFromMs: Date.parse(historyBody.coverage.expected_from ?? historyBody.to),
                    passedMs: Math.min(nowMs, Date.parse(historyBody.to)),
                    toMs: endOf(period, historyBody, isPresent),
                    timeOf: (ms) => timeIn(timeZone, ms),
                  }}
                  cursor={cursor}
                />
              )}
            />
            <CoverageStrip
              history={historyBody}
              toMs={endOf(period, historyBody, isPresent)}
              nowMs={Math.min(nowMs, Date.parse(historyBody.to))}
              timeZone={timeZone}
            />
          </>
        )}
      </Panel>
      <Panel title="Energy" fills isBusy={energy.isLate}>
        {energy.body !== null && <EnergyBars energy={energy.body} bars={period.bars} />}
      </Panel>
    </>
  );
}

function asDays(unit: Unit): PeriodUnit {
  return unit === "hours" ? "day" : unit;
}

interface StepsProps {
  readonly unit: PeriodUnit;
  readonly back: number;
  readonly onBack: (back: number) => void;
}

/** One period back, one on. */
function Steps({ unit, back, onBack }: StepsProps) {
  return (
    <>
      <Button tone="icon" aria-label={`The ${unit} before`} onClick={() => onBack(back + 1)}>
        <Icon name="left" />
      </Button>
      <Button tone="icon" aria-label={`The ${unit} after`} disabled={back === 0} onClick={() => onBack(back - 1)}>
        <Icon name="right" />
      </Button>
    </>
  );
}

/** The end of a period: as it was answered where it is over, else as long as it usually is. */
function endOf({ from, to }: Period, history: HistoryBody, isPresent: boolean): number {
  const toMs = Date.parse(history.to);
  return isPresent ? Math.max(toMs, Date.parse(history.from) + Date.parse(to) - Date.parse(from)) : toMs;
}
