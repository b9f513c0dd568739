import { limits, ratingOf } from "@wattboard/protocol";
import { DeviceState } from "./device-state.ts";

/** The states of all devices that have a registration; forgotten with it, so it is bounded by the fleet. */
export class DeviceStates {
  readonly #states = new Map<string, DeviceState>();
  readonly #extraPointsMax: number;
  readonly #propertiesOf: (deviceId: string) => Readonly<Record<string, string>>;

  /** `propertiesOf` gives what an administrator says of a device; its rating stands there. */
  constructor(
    extraPointsMax: number = limits.extraPointsMax,
    propertiesOf: (deviceId: string) => Readonly<Record<string, string>> = () => ({}),
  ) {
    this.#extraPointsMax = extraPointsMax;
    this.#propertiesOf = propertiesOf;
  }

  /** The device's state; made on first asking. Ask only for registered devices. */
  of(deviceId: string): DeviceState {
    let state = this.#states.get(deviceId);
    if (state === undefined) {
      state = new DeviceState(deviceId, this.#extraPointsMax);
      state.rating = ratingOf(this.#propertiesOf(deviceId));
      this.#states.set(deviceId, state);
    }
    return state;
  }

  find(deviceId: string): DeviceState | undefined {
    return this.#states.get(deviceId);
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
