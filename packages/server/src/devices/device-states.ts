import type { Device } from "./device-registry.ts";
import { DeviceState } from "./device-state.ts";

/** The states of all devices that have a registration; forgotten with it, so it is bounded by the fleet. */
export class DeviceStates {
  readonly #states = new Map<string, DeviceState>();

  /** The device's state; made on first asking. */
  of({ deviceId, registration }: Pick<Device, "deviceId" | "registration">): DeviceState {
    let state = this.#states.get(deviceId);
    if (state === undefined) {
      state = new DeviceState(deviceId, registration.key);
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
