import { valueFaults } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { Events } from "../observe/events.ts";
import { Throttle } from "../observe/throttle.ts";
import type { DropObserver } from "./ingest.ts";
import type { RefusedMessages } from "./refused-messages.ts";

/** A clock that is off now this way, now that, is told so often, ms. */
const clockMs = 60 * 60_000;

/** Tells what is wrong with devices' messages: dropped ones, values that were left out, and clocks that are off. */
export function tellFaults(clock: Clock, events: Events, refused: RefusedMessages): DropObserver {
  const clocks = new Throttle(clock, clockMs);
  return {
    dropped: (device, refusal) => refused.note(device, refusal),
    leftOut(device, values) {
      const { deviceId } = device;
      const shown = values.map(({ point, fault, count }) => `${point}: ${valueFaults[fault].message} (${count})`);
      events.report("values_left_out", deviceId, `Left out of ${deviceId}'s messages: ${shown.join("; ")}`);
      for (const { point, fault, count } of values) {
        refused.tellDevice(device, { code: fault, message: `${point}: ${valueFaults[fault].message}`, count });
      }
    },
    clockChanged({ deviceId, clock: { offsetMs } }) {
      if (clocks.pass(deviceId) === null) return;
      const seconds = Math.round(Math.abs(offsetMs) / 1_000);
      const off = `${seconds} s ${offsetMs > 0 ? "ahead" : "behind"}; its times are corrected`;
      events.report("clock_off", deviceId, `The clock of ${deviceId} is ${offsetMs === 0 ? "right again" : off}.`);
    },
  };
}
