import type { AlarmBody, AlarmDetailBody } from "@wattboard/protocol";
import { askAlarmsAnew } from "../../api/alarms.ts";
import { sendJson } from "../../api/request.ts";
import { apiPaths } from "../../paths.ts";

export async function acknowledge({ alarm_id }: AlarmBody, note = ""): Promise<void> {
  await change(apiPaths.acknowledgeAlarm(alarm_id), { ...(note !== "" && { note }) });
}

export async function snooze({ alarm_id }: AlarmBody, until: string, note = ""): Promise<void> {
  await change(apiPaths.snoozeAlarm(alarm_id), { until, ...(note !== "" && { note }) });
}

async function change(path: string, body: object): Promise<void> {
  await askAlarmsAnew(await sendJson<AlarmDetailBody>("POST", path, body));
}
