import type { Registration } from "../store/registration.ts";
import type { DeviceToken } from "./token-rotations.ts";

export interface Device {
  readonly deviceId: string;
  readonly name: string;
  /** Free properties, given by an administrator: `country`, `place`, `time_zone`, `simulated`, … */
  readonly properties: Readonly<Record<string, string>>;
  /** What the device says of itself: `software_version`, `postcode`, … */
  readonly reported: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Under what its samples, events and commands are stored: no other device has it, not one of the same id either. */
  readonly registration: Registration;
  /** Null once revoked. */
  readonly token: DeviceToken | null;
}

export interface NewDevice {
  readonly deviceId: string;
  readonly name?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** A token of the operator's own; absent: one is made. */
  readonly token?: string | undefined;
  /** Whether it is the device that had the id last, or in its registration of that number, and goes on where that ended. */
  readonly keepHistory?: boolean | number | undefined;
}

export interface DeviceChange {
  readonly name?: string | undefined;
  /** Null takes the property away. */
  readonly properties?: Readonly<Record<string, string | null>> | undefined;
}

/** A device with its token in plain text, which is shown this once and nowhere kept. */
export interface Provisioned {
  readonly device: Device;
  readonly token: string;
  /** The number of the id's last registration, where that was another device, whose past is not shown as this one's. */
  readonly formerRegistration?: number;
}
