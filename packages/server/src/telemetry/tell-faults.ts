import { valueFaults } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import { Throttle } from "../observe/throttle.ts";
import type { DropObserver } from "./ingest.ts";

/** A clock that is off now this way, now that, is told so often, ms. */
const clockMs = 60 * 60_000;

/**
 * Tells what is wrong with devices' messages: dropped ones in the log, of a device that drops many one now and then; values that were left out, and
 * clocks that are off, as events.
 */
export function tellFaults(clock: Clock, log: Log, events: Events, throttle: Throttle): DropObserver {
  const clocks = new Throttle(clock, clockMs);
  return {
    dropped({ deviceId }, { code, message }) {
      const suppressed = throttle.pass(`dropped ${deviceId}`);
      if (suppressed !== null) log.warn({ device_id: deviceId, code, suppressed }, `message dropped: ${message}`);
    },
    leftOut({ deviceId }, values) {
      const shown = values.map(({ point, fault, count }) => `${point}: ${valueFaults[fault].message} (${count})`);
      events.report("values_left_out", deviceId, `Left out of ${deviceId}'s messages: ${shown.join("; ")}`);
    },
    clockChanged({ deviceId, clock: { offsetMs } }) {
      if (clocks.pass(deviceId) === null) return;
      const seconds = Math.round(Math.abs(offsetMs) / 1_000);
      const off = `${seconds} s ${offsetMs > 0 ? "ahead" : "behind"}; its times are corrected`;
      events.report("clock_off", deviceId, `The clock of ${deviceId} is ${offsetMs === 0 ? "right again" : off}.`);
    },
  };
}
