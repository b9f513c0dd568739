import { DeviceSessions } from "../devices/device-sessions.ts";
import { DeviceStates } from "../devices/device-states.ts";
import { FleetRows } from "../devices/fleet-rows.ts";
import { Peers } from "../devices/peers.ts";
import { Presence } from "../devices/presence.ts";
import { saveReported } from "../devices/save-reported.ts";
import { TokenHandover } from "../devices/token-handover.ts";
import { WaitingDevices } from "../devices/waiting-devices.ts";
import type { StoreParts } from "./assemble-store.ts";
import type { Defer } from "./closing.ts";

export type DeviceParts = ReturnType<typeof assembleDevices>;

/** Which devices there are, which are connected, and how they do. */
export function assembleDevices(defer: Defer, parts: StoreParts) {
  const { config, clock, clockWatch, log, devices, people, events, throttle } = parts;
  const latest = new DeviceStates(config.limits.points);
  devices.watch(({ deviceId, properties }) => latest.rate(deviceId, properties));
  clockWatch.watch((stepMs) => latest.serverStepped(stepMs));
  const registry = new DeviceSessions(clock, {
    takeoversMax: config.takeover.max,
    takeoverWindowMs: config.takeover.window_ms,
  });
  const presence = new Presence(clock, events, registry);
  defer("presence", () => presence.stop());
  registry.watch(presence);
  defer("what devices said of themselves", saveReported(clock, devices, log, throttle));
  const handover = new TokenHandover({ clock, devices, events, registry });
  defer("the handover of tokens", () => handover.stop());
  return {
    ...parts,
    handover,
    latest,
    registry,
    presence,
    fleetRows: new FleetRows(latest, devices, registry),
    peers: new Peers(devices, people),
    waitingDevices: new WaitingDevices(clock),
  };
}
