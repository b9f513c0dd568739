import type { AlarmBody, AlarmDetailBody } from "@wattboard/protocol";
import { askAlarmsAnew } from "../../api/alarms.ts";
import { sendJson } from "../../api/request.ts";
import { apiPaths } from "../../paths.ts";

export async function acknowledge({ alarm_id }: AlarmBody, note = ""): Promise<void> {
  const changed = sendJson<AlarmDetailBody>("POST", apiPaths.acknowledgeAlarm(alarm_id), withNote(note));
  await askAlarmsAnew(await changed);
}

export async function snooze({ alarm_id }: AlarmBody, until: string, note = ""): Promise<void> {
  const changed = sendJson<AlarmDetailBody>("POST", apiPaths.snoozeAlarm(alarm_id), { until, ...withNote(note) });
  await askAlarmsAnew(await changed);
}

function withNote(note: string): { readonly note?: string } {
  return note === "" ? {} : { note };
}
