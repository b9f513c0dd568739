import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { DropObserver } from "./ingest.ts";

/** Dropped messages in the log: of a device that drops many, one now and then. */
export function logDrops(log: Log, throttle: Throttle): DropObserver {
  return {
    dropped({ deviceId }, { code, message }) {
      const suppressed = throttle.pass(`dropped ${deviceId}`);
      if (suppressed !== null) log.warn({ device_id: deviceId, code, suppressed }, `message dropped: ${message}`);
    },
  };
}
