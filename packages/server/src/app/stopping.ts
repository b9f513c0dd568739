import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { Links } from "../doors/door.ts";
import type { Log } from "../observe/log.ts";
import type { Store } from "../store/store.ts";

const linksCloseMsMax = 3_000;

/** Writes down what devices said of themselves last. */
export function saveAllReported(devices: DeviceRegistry, log: Log): void {
  try {
    while (devices.unsavedCount > 0) devices.saveReported();
  } catch (error) {
    log.error({ err: error }, "what devices said of themselves last could not be written down");
  }
}

/** Closes the store, or a file; rejects where it fails, or takes longer than that. What it has committed is safe either way. */
export function closeWithin(graceMs: number, store: Pick<Store, "close">, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    clock.after(graceMs, () => reject(new Failure("store_failed", "It did not answer in time.")));
    store.close().then(resolve, reject);
  });
}

/** Resolves when every link has ended, or after a while. */
export function untilNoLinks(links: Links, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const deadlineMs = clock.monotonicMs() + linksCloseMsMax;
    const cancel = clock.every(20, () => {
      if (links.all().length > 0 && clock.monotonicMs() < deadlineMs) return;
      cancel();
      resolve();
    });
  });
}
