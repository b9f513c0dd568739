import { disconnects } from "@wattboard/protocol";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { Device } from "../devices/device-registry.ts";
import type { DeviceSessions } from "../devices/device-sessions.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { Presence } from "../devices/presence.ts";
import type { HandoverState, TokenHandover } from "../devices/token-handover.ts";
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
  /** These have a new token beside the one before, which still holds: it is handed over to those that are connected and take it. */
  rotated(deviceIds: readonly string[]): void;
  handoverOf(deviceId: string): HandoverState;
  removed(device: Device): void;
}

/** In a data folder that no server has, nothing goes on. */
export const noLiveDevices: LiveDevices = {
  isOnline: () => false,
  changed() {},
  tokenChanged() {},
  rotated() {},
  handoverOf: () => ({ state: "waiting", isByHand: false }),
  removed() {},
};

export interface LiveParts {
  readonly commands: Dispatcher;
  readonly events: Events;
  readonly fanout: Fanout;
  readonly fleetFeed: FleetFeed;
  readonly handover: TokenHandover;
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
  handover,
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
    rotated(deviceIds) {
      for (const deviceId of deviceIds) handover.offer(deviceId);
      const [deviceId = ""] = deviceIds;
      const isOne = deviceIds.length === 1;
      const whose = isOne ? deviceId : `${deviceIds.length} devices`;
      const message = `${whose} ${isOne ? "has" : "have"} a new token; the one before holds for some time as well`;
      if (deviceIds.length > 0) events.report("token_changed", isOne ? deviceId : null, message);
    },
    handoverOf: (deviceId) => handover.stateOf(deviceId),
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
