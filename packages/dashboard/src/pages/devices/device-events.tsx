import type { EventsBody } from "@wattboard/protocol";
import { useMe } from "../../api/me.ts";
import { usePolled } from "../../api/use-polled.ts";
import { EventList } from "../../domain/event-list.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";

const shownMax = 10;
const everyMs = 10_000;

interface DeviceEventsProps {
  readonly deviceId: string;
  readonly nowMs: number;
  readonly timeZone: string;
}

/** What happened to one device: when it came and went, and what a person should know of. */
export function DeviceEvents({ deviceId, nowMs, timeZone }: DeviceEventsProps) {
  // Whoever looks by a share link has this page alone.
  const isGuest = useMe()?.kind === "share";
  const path = apiPaths.events({ device_id: deviceId, limit: shownMax });
  const { body, failure } = usePolled<EventsBody>(path, { everyMs });
  return (
    <EventList
      events={body?.events ?? null}
      failure={failure}
      nowMs={nowMs}
      timeZone={timeZone}
      namesDevice={false}
      {...(!isGuest && { allAt: pagePaths.events({ device: deviceId }) })}
    />
  );
}
