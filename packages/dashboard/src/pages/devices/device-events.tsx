import { type EventsBody, paths } from "@wattboard/protocol";
import { usePolled } from "../../api/use-polled.ts";
import { EventList } from "../../parts/event-list.tsx";

const shownMax = 10;
const everyMs = 10_000;

/** What happened to one device: when it came and went, and what a person should know of. */
export function DeviceEvents({ deviceId, nowMs }: { readonly deviceId: string; readonly nowMs: number }) {
  const query = new URLSearchParams({ device_id: deviceId, limit: String(shownMax) });
  const { body, failure } = usePolled<EventsBody>(`${paths.api}/events?${query}`, { everyMs });
  return <EventList events={body?.events ?? null} failure={failure} nowMs={nowMs} namesDevice={false} />;
}
