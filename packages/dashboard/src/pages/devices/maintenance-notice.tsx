import type { MaintenanceWindowsBody } from "@wattboard/protocol";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { apiPaths } from "../../paths.ts";
import { formatInstant } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";

/** Says that nobody is told of the device just now, and until when. */
export function MaintenanceNotice({ deviceId }: { readonly deviceId: string }) {
  const path = apiPaths.maintenanceWindows({ device_id: deviceId });
  const { body } = usePolled<MaintenanceWindowsBody>(path, { everyMs: 30_000 });
  const [window] = body?.windows ?? [];
  if (window === undefined) return null;
  const until = formatInstant(Date.parse(window.until), serverClock.now());
  return (
    <Notice tone="info" icon="clock" title={`In maintenance until ${until}: nobody is told of its alarms.`}>
      {window.note !== "" && <p>{window.note}</p>}
    </Notice>
  );
}
