import { type DeviceDetail, freshnessOf, isOfSmartOs, type ShareLinkBody } from "@wattboard/protocol";
import { useState } from "react";
import { Link } from "wouter";
import { mayCommand, useMe } from "../../api/me.ts";
import { ageOf, formatAge } from "../../domain/age.ts";
import { placeOf } from "../../domain/place.ts";
import { StateChip } from "../../domain/state-chip.tsx";
import { modeWord } from "../../domain/state-words.ts";
import type { LivePoints } from "../../live/live-points.ts";
import { pagePaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { formatInstant, timeOfDayIn } from "../../ui/format-time.ts";
import { Icon } from "../../ui/icon.tsx";
import { Tag } from "../../ui/tag.tsx";
import styles from "./device-head.module.css";
import { ShareDialog } from "./share-dialog.tsx";
import { StrikesDialog } from "./strikes-dialog.tsx";

interface DeviceHeadProps {
  readonly detail: DeviceDetail;
  readonly live: LivePoints;
  readonly nowMs: number;
  readonly share?: ShareLinkBody;
}

/** Which device this is, where, and what it is doing. */
export function DeviceHead({ detail, live, nowMs, share }: DeviceHeadProps) {
  const [isSharing, setSharing] = useState(false);
  const [isStriking, setStriking] = useState(false);
  const me = useMe();
  const { device_id, name, properties, online } = detail;
  const ageMs = ageOf(live.newest?.atMs ?? null, nowMs);
  const freshness = freshnessOf(detail, ageMs);
  const place = placeOf(properties);
  const localTime = timeOfDayIn(detail.time_zone, nowMs);
  const value = (point: string) => (live.points.get(point)?.value ?? null) as string | null;
  const mode = value("system_status.mode");
  return (
    <header className={styles.head}>
      <div className={styles.ways}>
        {share === undefined ? (
          <Link href={pagePaths.fleet} className={styles.back}>
            <Icon name="left" /> Fleet
          </Link>
        ) : (
          <span className="muted">
            {share.created_by === null ? "Shared with you" : `Shared by ${share.created_by}`} until{" "}
            {formatInstant(Date.parse(share.expires_at), nowMs, detail.time_zone)}
          </span>
        )}
        <span className="buttons">
          {me?.role === "admin" && (
            <Link {...buttonLook} href={pagePaths.deviceSettings(device_id)}>
              Settings
            </Link>
          )}
          {me?.role === "admin" && <Button onClick={() => setStriking(true)}>Strike out…</Button>}
          {mayCommand(me, device_id) && <Button onClick={() => setSharing(true)}>Share</Button>}
        </span>
      </div>
      {isStriking && <StrikesDialog detail={detail} onClose={() => setStriking(false)} />}
      {isSharing && <ShareDialog detail={detail} onClose={() => setSharing(false)} />}
      <h1>{name || device_id}</h1>
      <p className={styles.line}>
        <code>{device_id}</code>
        {place !== "" && <span>{place}</span>}
        {localTime !== null && (
          <span>
            {localTime} there<span className="muted"> ({detail.time_zone})</span>
          </span>
        )}
        {properties.simulated === "true" && <Tag>simulated</Tag>}
        {live.newest?.clock === "server" && !isOfSmartOs(properties) && (
          <Tag tone="warn">
            <Icon name="clock" size={12} /> device clock is off; its times are corrected
          </Tag>
        )}
      </p>
      <div className={styles.now} data-freshness={freshness}>
        <StateChip online={online} state={value("system_status.state")} isHeard={ageMs !== null} />
        {online && mode !== null && <span>{modeWord(mode)}</span>}
        <span className={styles.age}>
          {ageMs === null
            ? "never heard"
            : ageMs < 0
              ? `filed ${formatAge(-ageMs)} ahead of now: the server's clock was set`
              : freshness === "live"
                ? `${formatAge(ageMs)} old`
                : freshness === "idle"
                  ? `idle, last change ${formatAge(ageMs)} ago`
                  : `last heard ${formatAge(ageMs)} ago`}
        </span>
      </div>
    </header>
  );
}
