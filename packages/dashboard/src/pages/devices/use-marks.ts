import type { AlarmsBody, EventsBody } from "@wattboard/protocol";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { severityTone } from "../../domain/alarm-words.ts";
import { eventWords } from "../../domain/event-words.ts";
import { apiPaths } from "../../paths.ts";
import type { PlotMark } from "../../ui/plot/marks.ts";

const alarmsMax = 100;
const eventsMax = 200;
const everyMs = 10_000;

/** Alarms and events of a device as marks of its charts: those of a span, or with null the newest. */
export function useMarks(
  deviceId: string,
  range: { readonly from: string; readonly to: string } | null,
): readonly PlotMark[] {
  // A range of the history is one of dates; these questions take instants, with a day to spare for every time zone.
  const span =
    range === null
      ? {}
      : {
          from: new Date(Date.parse(range.from) - dayMs).toISOString(),
          to: new Date(Date.parse(range.to) + dayMs).toISOString(),
        };
  const asked = { device_id: deviceId, ...span };
  const alarms = usePolled<AlarmsBody>(apiPaths.alarms({ ...asked, limit: alarmsMax }), { everyMs });
  const events = usePolled<EventsBody>(apiPaths.events({ ...asked, limit: eventsMax }), { everyMs });
  return [
    // Alarms stand for themselves.
    ...(events.body?.events ?? [])
      .filter(({ kind }) => !kind.startsWith("alarm_"))
      .map(({ at, kind, message }): PlotMark => {
        const { tone } = eventWords(kind);
        return { atMs: Date.parse(at), tone: tone === "good" ? "dull" : tone, label: message };
      }),
    ...(alarms.body?.alarms ?? []).map(({ since, cleared_at, severity, title, devices }): PlotMark => {
      // For this device it may have held for a part of the time only.
      const own = devices.find(({ device_id }) => device_id === deviceId);
      const toMs = Date.parse(own?.until ?? cleared_at ?? "");
      return {
        atMs: Date.parse(own?.since ?? since),
        toMs: Number.isNaN(toMs) ? serverClock.now() : toMs,
        tone: severityTone(severity),
        label: `Alarm: ${title}`,
      };
    }),
  ];
}

const dayMs = 86_400_000;
