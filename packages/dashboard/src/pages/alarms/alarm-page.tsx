import type { AlarmDetailBody, AlarmDeviceBody, AlarmDevicesBody, AlarmRulesBody } from "@wattboard/protocol";
import { useState } from "react";
import { Link } from "wouter";
import { alarmsEveryMs } from "../../api/alarms.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePages } from "../../api/use-pages.ts";
import { usePolled } from "../../api/use-polled.ts";
import { severityTone, severityWord } from "../../domain/alarm-words.ts";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatInstant, formatSpan } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useKeys } from "../../ui/use-keys.ts";
import { useTick } from "../../ui/use-tick.ts";
import { AcknowledgeDialog, SnoozeDialog } from "./alarm-dialogs.tsx";
import styles from "./alarm-page.module.css";
import { AlarmSteps } from "./alarm-steps.tsx";
import { EvidenceList } from "./evidence-list.tsx";

const devicesAPage = 50;

/** `/alarms/:id`: one alarm, its life so far, what it is about, and what can be done about it. */
export function AlarmPage({ alarmId }: { readonly alarmId: string }) {
  useTick(1_000);
  const { body, failure } = usePolled<AlarmDetailBody>(apiPaths.alarm(alarmId), { everyMs: alarmsEveryMs });
  const title = body?.title ?? "Alarm";
  return (
    <Page
      title={title}
      heading={title}
      aside={<Link href={pagePaths.alarms()}>All alarms</Link>}
      {...(body === null && failure === null && { waitingFor: "the alarm" })}
    >
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure?.isRefused === false && (
        <Notice
          tone="warn"
          title={failure.status === 404 ? "There is no such alarm, or not for you." : failure.message}
        />
      )}
      {body !== null && <KnownAlarm alarm={body} />}
    </Page>
  );
}

function KnownAlarm({ alarm }: { readonly alarm: AlarmDetailBody }) {
  const { state, severity, text, shared, device_count: count } = alarm;
  return (
    <>
      <div className={styles.layout}>
        <Panel
          title={
            <span className={styles.severity} data-tone={state === "cleared" ? "dull" : severityTone(severity)}>
              {severityWord(severity)}
            </span>
          }
          aside={<Since alarm={alarm} />}
        >
          <div className={styles.about}>
            {shared !== null && (
              <p>
                What they share: <b>{shared}</b>
              </p>
            )}
            {text !== "" && <p>{text}</p>}
            <AlarmFacts alarm={alarm} />
            <Actions alarm={alarm} />
          </div>
        </Panel>
        <Panel title="What happened">
          <AlarmSteps steps={alarm.steps} nowMs={serverClock.now()} />
        </Panel>
      </div>
      {count > 0 && <AlarmDevices alarm={alarm} />}
    </>
  );
}

function Since({ alarm: { since, cleared_at } }: { readonly alarm: AlarmDetailBody }) {
  const endMs = cleared_at === null ? serverClock.now() : Date.parse(cleared_at);
  const span = formatSpan(Math.max(0, endMs - Date.parse(since)));
  return <span className="muted">{cleared_at === null ? `for ${span}` : `over after ${span}`}</span>;
}

function AlarmFacts({ alarm }: { readonly alarm: AlarmDetailBody }) {
  const { since, raised_at, acknowledged_by, snoozed_until, cleared_at, cleared_because, coverage, rule_id } = alarm;
  const rules = usePolled<AlarmRulesBody>(apiPaths.alarmRules, { everyMs: 60_000 });
  const rule = rules.body?.rules.find((each) => each.rule_id === rule_id);
  const nowMs = serverClock.now();
  const instant = (at: string) => <time dateTime={at}>{formatInstant(Date.parse(at), nowMs)}</time>;
  return (
    <dl className={styles.facts}>
      <dt>Holds since</dt>
      <dd>
        {instant(since)} <span className="muted">rang at {instant(raised_at)}</span>
      </dd>
      {acknowledged_by !== null && (
        <>
          <dt>Taken on by</dt>
          <dd>{acknowledged_by}</dd>
        </>
      )}
      {snoozed_until !== null && (
        <>
          <dt>Snoozed until</dt>
          <dd>{instant(snoozed_until)}</dd>
        </>
      )}
      {cleared_at !== null && (
        <>
          <dt>Over</dt>
          <dd>
            {instant(cleared_at)} {cleared_because !== null && <span className="muted">{cleared_because}</span>}
          </dd>
        </>
      )}
      {coverage !== null && (
        <>
          <dt>Measured</dt>
          <dd>
            {formatNumber(100 * coverage, 0)} % <span className="muted">of the ten minutes before</span>
          </dd>
        </>
      )}
      <dt>Rule</dt>
      <dd>
        <Link href={pagePaths.alarmRule(rule_id)}>{rule?.name ?? rule_id}</Link>
      </dd>
    </dl>
  );
}

function Actions({ alarm }: { readonly alarm: AlarmDetailBody }) {
  const [opened, setOpened] = useState<"acknowledge" | "snooze" | null>(null);
  const mayAct = alarm.may_acknowledge && alarm.state !== "cleared";
  const open = (which: "acknowledge" | "snooze") => () => (mayAct ? setOpened(which) : undefined);
  useKeys({ a: open("acknowledge"), s: open("snooze") });
  if (!mayAct) return null;
  const close = () => setOpened(null);
  return (
    <div className="buttons">
      <Button
        tone={alarm.state === "raised" ? "strong" : "plain"}
        aria-haspopup="dialog"
        onClick={() => setOpened("acknowledge")}
      >
        {alarm.state === "acknowledged" ? "Add a note" : "Acknowledge"}
      </Button>
      <Button aria-haspopup="dialog" onClick={() => setOpened("snooze")}>
        Snooze
      </Button>
      {opened === "acknowledge" && <AcknowledgeDialog alarm={alarm} onClose={close} />}
      {opened === "snooze" && <SnoozeDialog alarm={alarm} onClose={close} />}
    </div>
  );
}

function AlarmDevices({ alarm }: { readonly alarm: AlarmDetailBody }) {
  const { alarm_id, device_count: count, open_device_count: open } = alarm;
  const { pages, failure, more, isLoadingMore } = usePages<AlarmDevicesBody>(
    (given) => apiPaths.alarmDevices(alarm_id, { limit: devicesAPage, ...given }),
    { everyMs: alarm.cleared_at === null ? alarmsEveryMs : false },
  );
  const devices = pages?.flatMap((page) => page.devices) ?? alarm.devices;
  const counted = `${formatNumber(count, 0)} ${count === 1 ? "device" : "devices"}`;
  return (
    <Panel
      title={counted}
      aside={<span className="muted">{open < count ? `${formatNumber(open, 0)} of them still` : ""}</span>}
    >
      {failure !== null && <p className="warn">{failure.message}</p>}
      <table className={list.list}>
        <thead>
          <tr>
            <th>Device</th>
            <th>Since</th>
            <th>Until</th>
            <th>What was measured</th>
            <th>
              <span className="sr-only">Chart</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {devices.map((device) => (
            <AlarmDeviceRow key={device.device_id} device={device} />
          ))}
        </tbody>
      </table>
      {more !== null && (
        <Button disabled={isLoadingMore} onClick={more}>
          More
        </Button>
      )}
    </Panel>
  );
}

function AlarmDeviceRow({ device: { device_id, name, since, until, evidence } }: { readonly device: AlarmDeviceBody }) {
  const nowMs = serverClock.now();
  return (
    <tr>
      <td>
        <Link href={pagePaths.device(device_id)}>
          <b>{name || device_id}</b>
        </Link>
        {name !== "" && name !== device_id && <span className={list.sub}>{device_id}</span>}
      </td>
      <td data-label="Since">
        <time dateTime={since}>{formatInstant(Date.parse(since), nowMs)}</time>
      </td>
      <td data-label="Until">
        {until === null ? "now" : <time dateTime={until}>{formatInstant(Date.parse(until), nowMs)}</time>}
      </td>
      <td>
        <EvidenceList evidence={evidence} />
      </td>
      <td className={list.end}>
        <Link
          {...buttonLook}
          href={pagePaths.device(device_id, since)}
          aria-label={`Chart of ${device_id} at that second`}
        >
          Chart
        </Link>
      </td>
    </tr>
  );
}
