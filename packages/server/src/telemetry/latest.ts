import { DeviceState } from "./device-state.ts";
import type { Reading } from "./reading.ts";

/** The states of all devices that have a registration; forgotten with it, so it is bounded by the fleet. */
export class Latest {
  readonly #states = new Map<string, DeviceState>();

  /** The device's state; made on first asking. Ask only for registered devices. */
  of(deviceId: string): DeviceState {
    let state = this.#states.get(deviceId);
    if (state === undefined) {
      state = new DeviceState(deviceId);
      this.#states.set(deviceId, state);
    }
    return state;
  }

  find(deviceId: string): DeviceState | undefined {
    return this.#states.get(deviceId);
  }

  forget(deviceId: string): void {
    this.#states.delete(deviceId);
  }
}

/** Makes `reading` the latest unless a newer one, by measured time, is known. Late samples never become live. */
export function offerLatest(state: DeviceState, reading: Reading, frame: Buffer): boolean {
  if (state.latest !== null && reading.observedAtMs < state.latest.observedAtMs) return false;
  state.latest = reading;
  // A frame is often a slice of a larger read; keeping it would keep all of that.
  state.latestFrame = frame.buffer.byteLength > 2 * frame.length ? Buffer.from(frame) : frame;
  return true;
}
