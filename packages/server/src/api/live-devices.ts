import { disconnects } from "@wattboard/protocol";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { Device } from "../devices/device-registry.ts";
import type { DeviceSessions } from "../devices/device-sessions.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Presence } from "../devices/presence.ts";
import type { Events } from "../observe/events.ts";
import type { Store } from "../store/store.ts";
import type { Fanout } from "../telemetry/fanout.ts";
import type { FleetFeed } from "../telemetry/fleet-feed.ts";

/** What goes on with the registered devices, and is told of what administrators change. */
export interface LiveDevices {
  isOnline(deviceId: string): boolean;
  /** It was registered, or has another name or other properties. */
  changed(deviceId: string): void;
  /** The session that was opened with the token before ends. `what` became of the token is for the event's text. */
  tokenChanged(deviceId: string, what: string): void;
  removed(device: Device): void;
}

/** In a data folder that no server has, nothing goes on. */
export const noLiveDevices: LiveDevices = { isOnline: () => false, changed() {}, tokenChanged() {}, removed() {} };

export interface LiveParts {
  readonly commands: Dispatcher;
  readonly events: Events;
  readonly fanout: Fanout;
  readonly fleetFeed: FleetFeed;
  readonly latest: DeviceStates;
  readonly presence: Presence;
  readonly registry: DeviceSessions;
  readonly store: Store;
}

export function liveDevices({
  commands,
  events,
  fanout,
  fleetFeed,
  latest,
  presence,
  registry,
  store,
}: LiveParts): LiveDevices {
  return {
    isOnline: (deviceId) => registry.find(deviceId) !== undefined,
    changed: (deviceId) => fleetFeed.markChanged(deviceId),
    tokenChanged(deviceId, what) {
      registry.disconnect(deviceId, disconnects.revoked);
      events.report("token_changed", deviceId, `the token of ${deviceId} was ${what}`);
    },
    removed({ deviceId, registration }) {
      latest.forget(deviceId);
      commands.forget(deviceId);
      presence.forget(deviceId);
      store.forget([registration.key]);
      fanout.forget(deviceId);
      fleetFeed.markRemoved(deviceId);
    },
  };
}
