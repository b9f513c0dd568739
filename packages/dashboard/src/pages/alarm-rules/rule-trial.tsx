import type { AlarmTrialBody, NewAlarmRuleBody } from "@wattboard/protocol";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { followTask } from "../../api/follow-task.ts";
import { serverClock } from "../../api/server-clock.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatInstant, formatSpan } from "../../ui/format-time.ts";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./rule-trial.module.css";

interface Tried {
  readonly question: string;
  readonly trial: AlarmTrialBody;
}

/** What a rule would have done with the samples that are stored. A null body is no whole rule yet. */
export function RuleTrial({ body }: { readonly body: NewAlarmRuleBody | null }) {
  const [share, setShare] = useState(0);
  const [tried, setTried] = useState<Tried | null>(null);
  const trying = useSubmit();
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const question = JSON.stringify(body);
  const start = (rule: NewAlarmRuleBody) =>
    trying.run(async () => {
      const stop = new AbortController();
      running.current = stop;
      setShare(0);
      setTried(null);
      try {
        const trial = await followTask<AlarmTrialBody>("POST", apiPaths.tryAlarmRule, setShare, {
          signal: stop.signal,
          body: rule,
        });
        setTried({ question, trial });
      } catch (error) {
        // Whoever stops it wants no answer.
        if (!stop.signal.aborted) throw error;
      }
    });
  return (
    <Panel title="Try on history">
      <div className={styles.trial}>
        <p className="fine">What it would have done with what is stored, before it rings for the first time.</p>
        {trying.busy ? (
          <div className="buttons">
            <progress value={share} max={1} aria-label="How much of the history was looked at" />
            <span role="status">{formatNumber(100 * share, 0)} %</span>
            <Button onClick={() => running.current?.abort()}>Stop</Button>
          </div>
        ) : (
          <div className="buttons">
            <Button disabled={body === null} onClick={() => body !== null && start(body)}>
              Try on history
            </Button>
          </div>
        )}
        <FaultLine fault={trying.fault} />
        {tried !== null && <Outcome trial={tried.trial} isOfNow={tried.question === question} />}
      </div>
    </Panel>
  );
}

function Outcome({ trial, isOfNow }: { readonly trial: AlarmTrialBody; readonly isOfNow: boolean }) {
  const { from, to, devices, times, total_s, alarms } = trial;
  const nowMs = serverClock.now();
  const days = Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000));
  const often = times === 1 ? "once" : `${formatNumber(times, 0)} times`;
  return (
    <>
      <p className={styles.outcome} role="status">
        {times === 0
          ? `It would not have rung in the last ${days} days.`
          : `It would have rung ${often} in the last ${days} days, for ${formatSpan(1_000 * total_s)} in all.`}
      </p>
      <p className="fine">
        {formatNumber(devices, 0)} {devices === 1 ? "device" : "devices"} in its scope.
        {!isOfNow && " The rule has been changed since: try it again."}
      </p>
      {alarms.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse.
        <ol className={styles.list} tabIndex={0} aria-label="When it would have rung">
          {alarms.map(({ device_id, since, raised_at, cleared_at }) => {
            const endMs = Date.parse(cleared_at ?? to);
            return (
              <li key={`${device_id} ${raised_at}`}>
                <Link href={pagePaths.device(device_id, since)}>{device_id}</Link>
                <time dateTime={raised_at}>{formatInstant(Date.parse(raised_at), nowMs)}</time>
                <span className="muted">
                  {cleared_at === null ? "until the end" : `for ${formatSpan(endMs - Date.parse(raised_at))}`}
                </span>
              </li>
            );
          })}
        </ol>
      )}
      {times > alarms.length && <p className="fine">The first {formatNumber(alarms.length, 0)} are listed.</p>}
    </>
  );
}
