import { Link } from "wouter";
import { serverClock } from "../../api/server-clock.ts";
import { ageOf, formatAge } from "../../domain/age.ts";
import { StateChip } from "../../domain/state-chip.tsx";
import { liveNumber } from "../../live/live-points.ts";
import { useDeviceFeed } from "../../live/use-device-feed.ts";
import { pagePaths } from "../../paths.ts";
import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";
import { Quantity } from "../../ui/quantity.tsx";
import { useTick } from "../../ui/use-tick.ts";
import styles from "./add-device-page.module.css";

/** So far back the feed looks; the row shows the newest values alone. */
const lookBackMs = 60_000;
const shown = [
  ["battery.soc", "Charge"],
  ["battery.power", "Battery"],
  ["solar.power", "Solar"],
  ["grid.power", "Grid"],
  ["load.power", "Load"],
] as const;

/** Whether the device has come, told as it happens, and what it says. */
export function LiveRow({ deviceId }: { readonly deviceId: string }) {
  useTick(1_000);
  const { detail, live, link } = useDeviceFeed(deviceId, lookBackMs);
  const isLive = live.newest !== null && detail?.online === true;
  const phase = isLive ? "live" : detail?.online === true ? "connected" : "waiting";
  const ageMs = ageOf(live.newest?.atMs ?? null, serverClock.now());
  const state = live.points.get("system_status.state")?.value;
  const refused = detail?.last_refusal ?? null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form's; this only says what belongs together.
    <div className={styles.live} data-phase={phase} role="group" aria-label={`Whether ${deviceId} has come`}>
      <span className={styles.dot} aria-hidden="true" />
      {/* Alone read aloud: the values beside it change each second. */}
      <b role="status">
        {phase === "live" && "Live"}
        {phase === "connected" && "Connected; no message of it has been taken yet"}
        {phase === "waiting" && (live.newest === null ? "Waiting for its first connection" : "Not connected")}
      </b>
      <Link href={pagePaths.device(deviceId)}>{detail?.name || deviceId}</Link>
      {isLive && typeof state === "string" && <StateChip online state={state} isHeard />}
      {isLive && (
        <span className={styles.values}>
          {shown.map(([point, label]) => {
            const value = liveNumber(live.points, point);
            return (
              value !== null && (
                <span key={point}>
                  <span className="muted">{label}</span>{" "}
                  {point === "battery.soc" ? (
                    <Quantity value={formatNumber(value, 0)} unit="%" />
                  ) : (
                    <Quantity {...scaleQuantity(value, "W")} />
                  )}
                </span>
              )
            );
          })}
          <span className="muted">{ageMs === null ? "" : `${formatAge(Math.max(0, ageMs))} old`}</span>
        </span>
      )}
      {!isLive && refused !== null && <span className="warn">Its last message was dropped: {refused.message}</span>}
      {link.phase === "lost" && <span className="bad">This page is not connected.</span>}
    </div>
  );
}
