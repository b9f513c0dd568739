import { type DeviceDetail, type RefusalCode, refusals } from "@wattboard/protocol";
import { Fragment } from "react";
import { ageOf, formatAge } from "../../domain/age.ts";
import { formatNumber } from "../../ui/format-number.ts";
import { formatInstant } from "../../ui/format-time.ts";
import { own } from "../../ui/own.ts";
import { Panel } from "../../ui/panel.tsx";
import styles from "./connection-panel.module.css";
import { DeliveryFacts } from "./delivery-facts.tsx";

interface ConnectionPanelProps {
  readonly detail: DeviceDetail;
  readonly lastReceivedAtMs: number | null;
  readonly nowMs: number;
}

/** How the device is connected, and what became of its messages. */
export function ConnectionPanel({ detail, lastReceivedAtMs, nowMs }: ConnectionPanelProps) {
  const { online, connected_at, accepted, dropped, active, created_at, last_refusal, time_zone: timeZone } = detail;
  const reasons = (Object.entries(dropped) as [RefusalCode, number][]).sort((left, right) => right[1] - left[1]);
  const droppedCount = reasons.reduce((sum, [, count]) => sum + count, 0);
  return (
    <Panel title="Connection">
      {last_refusal !== null && !isPressing(last_refusal, lastReceivedAtMs, nowMs) && (
        <LastRefusal refusal={last_refusal} nowMs={nowMs} timeZone={timeZone} />
      )}
      <dl className={styles.facts}>
        <dt>Link</dt>
        <dd>
          {online ? (
            <>
              online{" "}
              {connected_at !== null && <Instant at={connected_at} nowMs={nowMs} timeZone={timeZone} prefix="for" />}
            </>
          ) : (
            "offline"
          )}
        </dd>
        <dt>Last message</dt>
        <dd>
          {lastReceivedAtMs === null ? (
            "none yet"
          ) : (
            <Instant at={new Date(lastReceivedAtMs).toISOString()} nowMs={nowMs} timeZone={timeZone} />
          )}
        </dd>
        <dt>Accepted</dt>
        <dd>
          {formatNumber(accepted, 0)} <span className="muted">since the server started</span>
        </dd>
        <dt>Dropped</dt>
        <dd>
          <span className={droppedCount > 0 ? "warn" : undefined}>{formatNumber(droppedCount, 0)}</span>
          {reasons.length > 0 && (
            <ul className={styles.reasons}>
              {reasons.map(([code, count]) => (
                <li key={code} title={own(refusals, code)?.message}>
                  <code>{code}</code> {formatNumber(count, 0)}
                </li>
              ))}
            </ul>
          )}
        </dd>
        <DeliveryFacts detail={detail} />
        <FaultyValues values={detail.faulty_values} />
        <dt>Token</dt>
        <dd>{active ? "active" : <span className="bad">revoked: the device cannot connect</span>}</dd>
        <dt>Registered</dt>
        <dd>{formatInstant(Date.parse(created_at), nowMs, timeZone)}</dd>
      </dl>
    </Panel>
  );
}

/** What was left out of the device's messages, and what was kept and marked; nothing where all is well. */
function FaultyValues({ values }: { readonly values: DeviceDetail["faulty_values"] }) {
  return [false, true].map((isKept) => {
    const listed = values.filter(({ kept }) => kept === isKept).sort((left, right) => right.count - left.count);
    if (listed.length === 0) return null;
    return (
      <Fragment key={String(isKept)}>
        <dt>{isKept ? "Marked values" : "Values left out"}</dt>
        <dd>
          <ul className={styles.reasons}>
            {listed.map(({ point, fault, message, count }) => (
              <li key={`${fault} ${point}`} title={message}>
                {point} <code>{fault}</code> {formatNumber(count, 0)}
              </li>
            ))}
          </ul>
        </dd>
      </Fragment>
    );
  });
}

type LastRefusalBody = NonNullable<DeviceDetail["last_refusal"]>;

/** Whether a refusal is today's trouble and belongs to the top of the page: nothing good came since, or it is minutes old. */
export function isPressing(refusal: LastRefusalBody, lastReceivedAtMs: number | null, nowMs: number): boolean {
  const atMs = Date.parse(refusal.at);
  return nowMs - atMs < pressingMs || lastReceivedAtMs === null || lastReceivedAtMs < atMs;
}

const pressingMs = 10 * 60_000;

interface LastRefusalProps {
  readonly refusal: LastRefusalBody;
  readonly nowMs: number;
  readonly timeZone: string;
}

/** The newest message that was not taken, and why. */
export function LastRefusal({ refusal, nowMs, timeZone }: LastRefusalProps) {
  return (
    <div className={styles.refusal}>
      <p className={styles.what}>
        <b>Last refusal</b> <code>{refusal.code}</code>
        <Instant at={refusal.at} nowMs={nowMs} timeZone={timeZone} />
      </p>
      <p>{refusal.message}</p>
    </div>
  );
}

interface InstantProps {
  readonly at: string;
  readonly nowMs: number;
  readonly timeZone: string;
  readonly prefix?: string;
  readonly suffix?: string;
}

function Instant({ at, nowMs, timeZone, prefix = "", suffix = prefix === "" ? "ago" : "" }: InstantProps) {
  const atMs = Date.parse(at);
  return (
    <time dateTime={at}>
      {prefix} {formatAge(ageOf(atMs, nowMs) ?? 0)} {suffix}
      <span className="muted"> · {formatInstant(atMs, nowMs, timeZone)}</span>
    </time>
  );
}
