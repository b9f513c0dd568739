import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { DeviceRegistry } from "./device-registry.ts";

const saveMs = 5_000;

/** Writes down every few seconds what devices say of themselves. Gives what ends it, and writes down the rest. */
export function saveReported(clock: Clock, devices: DeviceRegistry, log: Log, throttle: Throttle): CancelTimer {
  const cancel = clock.every(saveMs, () => {
    try {
      devices.saveReported();
    } catch (error) {
      if (throttle.pass("reported properties") !== null) log.error({ err: error }, "what devices say of themselves");
    }
  });
  return () => {
    cancel();
    try {
      while (devices.unsavedCount > 0) devices.saveReported();
    } catch (error) {
      log.error({ err: error }, "what devices said of themselves last could not be written down");
    }
  };
}
