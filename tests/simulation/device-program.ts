import type { Transport } from "../../packages/device/dist/transport.js";
import type { ProcessClock } from "./timeline.ts";

/** What a program on a device gets from its world. */
export interface DevicePorts {
  readonly deviceId: string;
  readonly clock: ProcessClock;
  readonly random: () => number;
  readonly transport: Transport;
  /** A model only: false, and it comes back at once whatever the server says. */
  readonly isPatient: boolean;
}

/** What runs on a device: it takes samples, and brings them to the server. */
export interface DeviceProgram {
  send(text: string): void;
}
