import { DeviceState } from "./device-state.ts";

/** The states of all devices that have a registration; forgotten with it, so it is bounded by the fleet. */
export class DeviceStates {
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
