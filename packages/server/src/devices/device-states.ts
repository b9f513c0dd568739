import { limits, ratingOf } from "@wattboard/protocol";
import type { Device } from "./device-registry.ts";
import { DeviceState } from "./device-state.ts";

/** The states of all devices that have a registration; forgotten with it, so it is bounded by the fleet. */
export class DeviceStates {
  readonly #states = new Map<string, DeviceState>();
  readonly #extraPointsMax: number;

  constructor(extraPointsMax: number = limits.extraPointsMax) {
    this.#extraPointsMax = extraPointsMax;
  }

  /** The device's state; made on first asking. */
  of({ deviceId, registration, properties }: Pick<Device, "deviceId" | "registration" | "properties">): DeviceState {
    let state = this.#states.get(deviceId);
    if (state === undefined) {
      state = new DeviceState(deviceId, registration.key, this.#extraPointsMax);
      state.rating = ratingOf(properties);
      this.#states.set(deviceId, state);
    }
    return state;
  }

  find(deviceId: string): DeviceState | undefined {
    return this.#states.get(deviceId);
  }

  all(): Iterable<DeviceState> {
    return this.#states.values();
  }

  /** The device's properties are others. */
  rate(deviceId: string, properties: Readonly<Record<string, string>>): void {
    const state = this.#states.get(deviceId);
    if (state !== undefined) state.rating = ratingOf(properties);
  }

  /** The server's clock was set by so much, ms. */
  serverStepped(stepMs: number): void {
    for (const { clock } of this.#states.values()) clock.serverStepped(stepMs);
  }

  forget(deviceId: string): void {
    this.#states.delete(deviceId);
  }
}
