import type { AlarmBody, AlarmsBody } from "@wattboard/protocol";
import { apiPaths } from "../paths.ts";
import { queryClient } from "./query-client.ts";
import { type Polled, usePolled } from "./use-polled.ts";

/** What one window does is seen in another within this. */
export const alarmsEveryMs = 3_000;
/** Open alarms that are asked for where they are only a part of a page; the counts are of all. */
const openMax = 50;

/** The open alarms, the worst first: asked once for the whole page, however many parts of it show them. */
export function useOpenAlarms(isAsked = true): Polled<AlarmsBody> {
  return usePolled<AlarmsBody>(isAsked ? apiPaths.alarms({ state: "open", limit: openMax }) : null, {
    everyMs: alarmsEveryMs,
    inBackground: true,
  });
}

/** Open alarms that are not snoozed. */
export function openCount({ info, warning, critical }: AlarmsBody["open"]): number {
  return info + warning + critical;
}

/** After something was done to an alarm, every list of alarms is asked anew. */
export async function askAlarmsAnew(changed?: AlarmBody): Promise<void> {
  if (changed !== undefined) queryClient.setQueryData([apiPaths.alarm(changed.alarm_id)], changed);
  await queryClient.invalidateQueries({
    predicate: ({ queryKey: [path] }) => String(path).startsWith(apiPaths.alarms()),
  });
}
