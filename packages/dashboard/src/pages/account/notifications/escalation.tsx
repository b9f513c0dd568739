import type { EscalationBody, FailingChannelsBody, PersonBody } from "@wattboard/protocol";
import { queryClient } from "../../../api/query-client.ts";
import { sendJson } from "../../../api/request.ts";
import { usePolled } from "../../../api/use-polled.ts";
import { apiPaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Field, inputLook, Labelled } from "../../../ui/field.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import styles from "./notifications.module.css";

/** For administrators: who else is told when nobody takes an alarm on, and who cannot be told at all. */
export function Escalation() {
  const escalation = usePolled<EscalationBody>(apiPaths.escalation, { everyMs: 60_000 });
  const failing = usePolled<FailingChannelsBody>(apiPaths.failingChannels, { everyMs: 10_000 });
  const people = usePolled<{ people: PersonBody[] }>(apiPaths.people, { everyMs: 60_000 });
  const saving = useSubmit(async (form) => {
    const severities = form.get("severity") === "critical" ? ["critical"] : ["warning", "critical"];
    const step = { after_minutes: Number(form.get("after")), severities, person: String(form.get("person")) };
    await save([...(escalation.body?.steps ?? []), step as EscalationBody["steps"][number]]);
  });
  const save = async (steps: EscalationBody["steps"]) => {
    queryClient.setQueryData([apiPaths.escalation], await sendJson("PUT", apiPaths.escalation, { steps }));
  };
  if (escalation.body === null) return null;
  const { steps } = escalation.body;
  return (
    <>
      <Panel title="When nobody takes an alarm on">
        {steps.length === 0 && <p>Nobody else is told.</p>}
        <ul>
          {steps.map((step) => (
            <li key={`${step.after_minutes} ${step.person}`} className={styles.head}>
              After {step.after_minutes} minutes {step.person} is told of{" "}
              {step.severities.includes("warning") ? "warnings and critical alarms" : "critical alarms"}.
              <Button
                tone="plain"
                aria-label={`Remove the step to ${step.person}`}
                disabled={saving.busy}
                onClick={() => saving.run(() => save(steps.filter((other) => other !== step)))}
              >
                Remove
              </Button>
            </li>
          ))}
        </ul>
        <form onSubmit={saving.onSubmit} className={styles.inline}>
          <Field label="After, in minutes" name="after" type="number" min={1} max={10080} required defaultValue={15} />
          <Labelled label="Tell">
            <select className={inputLook} name="person" required>
              {(people.body?.people ?? []).map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </Labelled>
          <Labelled label="Of">
            <select className={inputLook} name="severity">
              <option value="critical">critical alarms</option>
              <option value="warning">warnings and critical alarms</option>
            </select>
          </Labelled>
          <Button type="submit" disabled={saving.busy}>
            Add the step
          </Button>
        </form>
        <FaultLine fault={saving.fault} />
      </Panel>
      {failing.body !== null && failing.body.channels.length > 0 && (
        <Panel title="Who cannot be told">
          <ul>
            {failing.body.channels.map(({ channel_id, person, name, cause }) => (
              <li key={channel_id}>
                <b>{person}</b> by {name}: {cause}
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}
