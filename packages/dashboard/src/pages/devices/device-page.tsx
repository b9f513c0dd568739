import { type DeviceDetail, type Freshness, freshnessOf, isPresent, type ShareLinkBody } from "@wattboard/protocol";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import type { RequestFailed } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { ageOf } from "../../domain/age.ts";
import type { PowerPointName } from "../../domain/power.ts";
import { LostNotice } from "../../frame/lost-notice.tsx";
import { Page, Waiting } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { liveNumber } from "../../live/live-points.ts";
import { type DeviceFeed, useDeviceFeed } from "../../live/use-device-feed.ts";
import { pagePaths } from "../../paths.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segments } from "../../ui/segments.tsx";
import { useTick } from "../../ui/use-tick.ts";
import { Ownership } from "../claim/ownership.tsx";
import { CommandPanel } from "./command-panel.tsx";
import { ConnectionPanel, isPressing, LastRefusal } from "./connection-panel.tsx";
import { DeviceEvents } from "./device-events.tsx";
import { DeviceHead } from "./device-head.tsx";
import styles from "./device-page.module.css";
import { EnergyFlow, type FlowPower } from "./energy-flow.tsx";
import { HistoryPanel } from "./history-panel.tsx";
import { MaintenanceNotice } from "./maintenance-notice.tsx";
import { PointValues } from "./point-values.tsx";
import { PowerChart } from "./power-chart.tsx";
import { useMarks } from "./use-marks.ts";

const chartMinutes = [5, 15, 60] as const;

interface DevicePageProps {
  readonly deviceId: string;
  /** Where somebody looks by a share link: then there is no fleet to go back to. */
  readonly share?: ShareLinkBody;
}

/** `/devices/:id`: one device, live. Mounted anew for each device. */
export function DevicePage({ deviceId, share }: DevicePageProps) {
  useTick(1_000);
  const [minutes, setMinutes] = useState<number>(15);
  const feed = useDeviceFeed(deviceId, minutes * 60_000);
  const { detail, failure, live, lastText, link, commands, announced, fileCommand } = feed;
  const nowMs = serverClock.now();
  const at = useSearchParams()[0].get("at") ?? "";
  const atMs = Date.parse(at);
  const title = detail?.name || deviceId;

  if (failure?.isRefused === true || (detail === null && failure !== null && failure.status !== 0)) {
    return <FailedPage title={title} deviceId={deviceId} failure={failure} />;
  }

  const { points } = live;

  return (
    <Page title={title} link={link}>
      <LostNotice link={link} timeZone={detail?.time_zone} />
      {share === undefined && <MaintenanceNotice deviceId={deviceId} />}
      {detail === null && link.phase !== "lost" && <Waiting for={deviceId} />}
      {detail !== null && (
        <>
          <DeviceHead detail={detail} live={live} nowMs={nowMs} {...(share !== undefined && { share })} />
          {detail.last_refusal !== null && isPressing(detail.last_refusal, live.receivedAtMs, nowMs) && (
            <LastRefusal refusal={detail.last_refusal} nowMs={nowMs} timeZone={detail.time_zone} />
          )}
          {points.size === 0 ? (
            <Notice tone="info" icon="clock" title="No message of this device has been taken yet.">
              <p>Its values appear here with the first one. Where one is refused, this page tells why. </p>
            </Notice>
          ) : (
            <LivePanels {...feed} detail={detail} minutes={minutes} onMinutes={setMinutes} nowMs={nowMs} />
          )}
          <div className={styles.past}>
            <HistoryPanel key={at} detail={detail} atMs={Number.isNaN(atMs) ? null : atMs} />
          </div>
          <div className={styles.rest}>
            <Panel title="Values">
              {points.size === 0 ? (
                <p className="muted">None yet.</p>
              ) : (
                <PointValues points={points} device={detail} nowMs={nowMs} />
              )}
            </Panel>
            <div className={styles.side}>
              <CommandPanel
                detail={detail}
                points={points}
                commands={commands}
                announced={announced}
                nowMs={nowMs}
                onGiven={fileCommand}
              />
              <ConnectionPanel detail={detail} lastReceivedAtMs={live.receivedAtMs} nowMs={nowMs} />
              <Ownership deviceId={deviceId} nowMs={nowMs} />
              <DeviceEvents deviceId={deviceId} nowMs={nowMs} timeZone={detail.time_zone} />
              <Panel title="Last message" aside={<span className="muted">as received</span>}>
                {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse. */}
                <pre className={styles.raw} tabIndex={0}>
                  {lastText ?? (detail.latest === null ? "None yet." : JSON.stringify(detail.latest.telemetry))}
                </pre>
              </Panel>
            </div>
          </div>
        </>
      )}
    </Page>
  );
}

interface FailedPageProps {
  readonly title: string;
  readonly deviceId: string;
  readonly failure: RequestFailed;
}

function FailedPage({ title, deviceId, failure }: FailedPageProps) {
  return (
    <Page title={title} heading={deviceId}>
      {failure.isRefused ? (
        <RefusedNotice failure={failure} />
      ) : (
        <Notice tone="warn" title={failure.status === 404 ? `No device is called ${deviceId}.` : failure.message}>
          <p>
            <Link href={pagePaths.fleet}>Back to the fleet</Link>
          </p>
        </Notice>
      )}
    </Page>
  );
}

interface LivePanelsProps extends Pick<DeviceFeed, "live" | "history" | "link"> {
  readonly detail: DeviceDetail;
  readonly minutes: number;
  readonly onMinutes: (minutes: number) => void;
  readonly nowMs: number;
}

/** What the device does now, and did in the last minutes. */
function LivePanels({ detail, live, history, link, minutes, onMinutes, nowMs }: LivePanelsProps) {
  const { points } = live;
  const marks = useMarks(detail.device_id, null);
  const freshnessAt = (atMs: number | null): Freshness => freshnessOf(detail, ageOf(atMs, nowMs));
  const power = (point: PowerPointName): FlowPower => ({
    signedW: liveNumber(points, point),
    freshness: freshnessAt(points.get(point)?.filedAtMs ?? null),
  });
  // While the page itself has lost its connection, nothing on it is the present.
  const isNow = isPresent(freshnessAt(live.newest?.atMs ?? null)) && link.phase !== "lost";

  return (
    <div className={styles.live}>
      <Panel title={isNow ? "Now" : "When last heard"}>
        <EnergyFlow
          powers={{
            "solar.power": power("solar.power"),
            "load.power": power("load.power"),
            "battery.power": power("battery.power"),
            "grid.power": power("grid.power"),
          }}
          soc={liveNumber(points, "battery.soc")}
          present={isNow}
        />
      </Panel>
      <Panel
        title="Power"
        fills
        aside={
          <Segments
            label="How long"
            value={minutes}
            options={chartMinutes.map((choice) => [choice, `${choice} min`])}
            onChange={onMinutes}
          />
        }
      >
        <PowerChart history={history} chartMs={minutes * 60_000} timeZone={detail.time_zone} marks={marks} />
      </Panel>
    </div>
  );
}
