import type { AlarmDetailBody } from "@wattboard/protocol";
import { formatInstant } from "../../ui/format-time.ts";
import styles from "./alarm-steps.module.css";

type StepOfLife = AlarmDetailBody["steps"][number];

const words: Readonly<Record<StepOfLife["step"], string>> = {
  raised: "Rang",
  device_added: "A device more",
  device_cleared: "A device is well again",
  acknowledged: "Acknowledged",
  snoozed: "Snoozed",
  snooze_ended: "Rings again",
  escalated: "Escalated",
  cleared: "Over",
};

/** An alarm's life, the first step first. */
export function AlarmSteps({ steps, nowMs }: { readonly steps: readonly StepOfLife[]; readonly nowMs: number }) {
  return (
    <ol className={styles.steps}>
      {steps.map(({ at, step, by, note }, number) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: steps are only added, at the end.
        <li key={number} data-step={step}>
          <span>
            <b>{words[step]}</b>
            {by !== null && ` by ${by}`}
          </span>
          <time dateTime={at}>{formatInstant(Date.parse(at), nowMs)}</time>
          {note !== "" && <p>{note}</p>}
        </li>
      ))}
    </ol>
  );
}
