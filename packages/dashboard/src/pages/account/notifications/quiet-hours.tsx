import type { NotificationPreferencesBody } from "@wattboard/protocol";
import { useState } from "react";
import { queryClient } from "../../../api/query-client.ts";
import { sendJson } from "../../../api/request.ts";
import { apiPaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Choice, Field, Form } from "../../../ui/field.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import styles from "./notifications.module.css";

/** When somebody wants to be left alone. */
export function QuietHours({ preferences }: { readonly preferences: NotificationPreferencesBody }) {
  const { quiet_hours: quiet, time_zone: timeZone } = preferences;
  const [isOn, setOn] = useState(quiet !== null);
  const [isSaved, setSaved] = useState(false);
  const saving = useSubmit(async (form) => {
    const zone = String(form.get("time_zone")).trim();
    const changed = await sendJson<NotificationPreferencesBody>("PATCH", apiPaths.notificationPreferences, {
      time_zone: zone === "" ? null : zone,
      quiet_hours: isOn
        ? {
            from: String(form.get("from")),
            to: String(form.get("to")),
            critical_breaks_through: form.get("critical") !== null,
          }
        : null,
    });
    queryClient.setQueryData([apiPaths.notificationPreferences], changed);
    setSaved(true);
  });
  return (
    <Form onSubmit={saving.onSubmit} onChange={() => setSaved(false)}>
      <Field
        label="Time zone"
        name="time_zone"
        defaultValue={timeZone ?? ""}
        placeholder={Intl.DateTimeFormat().resolvedOptions().timeZone}
        note="Such as Europe/Vienna; times in messages are in it. Empty: the server's."
      />
      <Choice type="checkbox" checked={isOn} onChange={() => setOn(!isOn)}>
        Quiet hours <span className="fine">what comes then is told in one message at their end</span>
      </Choice>
      {isOn && (
        <>
          <div className={styles.inline}>
            <Field label="From" name="from" type="time" required defaultValue={quiet?.from ?? "22:00"} />
            <Field label="To" name="to" type="time" required defaultValue={quiet?.to ?? "07:00"} />
          </div>
          <Choice type="checkbox" name="critical" defaultChecked={quiet?.critical_breaks_through ?? true}>
            Critical alarms wake me all the same
          </Choice>
        </>
      )}
      <FaultLine fault={saving.fault} />
      <div className="buttons">
        <Button type="submit" disabled={saving.busy}>
          Save
        </Button>
        {isSaved && <span role="status">Saved.</span>}
      </div>
    </Form>
  );
}
