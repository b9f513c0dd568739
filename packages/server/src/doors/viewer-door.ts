import { isDeviceId, refuse, subprotocol } from "@wattboard/protocol";
import type { Principal } from "../access/principal.ts";
import { refuseOrigin } from "../access/refuse-origin.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import { textFrame } from "../link/frame.ts";
import { Link } from "../link/link.ts";
import type { Fanout } from "../telemetry/fanout.ts";
import type { FleetFeed } from "../telemetry/fleet-feed.ts";
import type { CommandProgress } from "./command-progress.ts";
import type { Door, DoorContext } from "./door.ts";
import type { DoorName } from "./door-name.ts";
import { acceptHandshake, type Handshake, refuseHandshake } from "./upgrade.ts";

/** What a viewer gets, and from when to when. */
interface Feed {
  /** `wantsMore`: the viewer speaks the subprotocol, and is also told what is no sample. */
  subscribe(subscriber: Link, wantsMore: boolean): void;
  unsubscribe(subscriber: Link): void;
}

/** The feed at the address behind the door's own, or null where there is none, or none for them. */
type FeedOf = (rest: string, principal: Principal) => Feed | null;

/** A read-only door: what the client sends is ignored, and a client that sends without end, or is too slow for its feed, is cut. */
class ViewerDoor implements Door {
  readonly name: DoorName;
  readonly #context: DoorContext;
  readonly #feedOf: FeedOf;

  constructor(name: DoorName, context: DoorContext, feedOf: FeedOf) {
    this.name = name;
    this.#context = context;
    this.#feedOf = feedOf;
  }

  accept(handshake: Handshake, rest: string): void {
    const {
      clock,
      floods,
      frameATurnServer,
      authorizer,
      heartbeat,
      linkLimits,
      links,
      log,
      authorizationWatch: rightsWatch,
      viewerFrameLimit,
    } = this.#context;
    const { request, socket } = handshake;
    const foreign = refuseOrigin(request, this.#context);
    const principal = foreign === null ? authorizer.identify(request) : null;
    const feed = principal === null ? null : this.#feedOf(rest, principal);
    if (principal === null || feed === null) {
      const refusal = foreign ?? refuse(principal === null ? "forbidden" : "not_found");
      links.noteRefused(this.name, refusal.code);
      refuseHandshake(handshake, refusal);
      return;
    }
    acceptHandshake(frameATurnServer, handshake, (webSocket) => {
      const link: Link = new Link({
        webSocket,
        socket,
        clock,
        heartbeat,
        limits: linkLimits,
        frameLimit: viewerFrameLimit,
        onFlood: (consequence) =>
          floods.note({ door: this.name, deviceId: null, address: authorizer.addressOf(request) }, consequence),
        onEnd: (end) => {
          links.remove(this.name, link);
          rightsWatch.remove(link);
          feed.unsubscribe(link);
          if (end !== "slow_reader") return;
          links.slowReaderCount++;
          log.warn({ door: this.name, address: authorizer.addressOf(request) }, "slow reader cut");
        },
      });
      links.add(this.name, link);
      rightsWatch.add(link, principal);
      feed.subscribe(link, webSocket.protocol === subprotocol);
    });
  }
}

/**
 * `/ws/dashboard/{device_id}` (DESIGN §3.2): the latest sample at once, then every sample as the device sent it. With the subprotocol also
 * each step of the device's commands, from `progress`.
 */
export function createDashboardDoor(
  context: DoorContext,
  latest: DeviceStates,
  fanout: Fanout,
  progress: CommandProgress,
): Door {
  return new ViewerDoor("dashboard", context, (deviceId, principal) => {
    if (!isDeviceId(deviceId) || !context.authorizer.mayView(principal, deviceId)) return null;
    return {
      subscribe(subscriber, wantsMore) {
        const frame = latest.find(deviceId)?.latestFrame;
        if (frame != null) subscriber.send(textFrame(frame));
        fanout.subscribe(deviceId, subscriber);
        if (wantsMore) progress.subscribe(deviceId, subscriber, context.authorizer.mayViewNames(principal));
      },
      unsubscribe(subscriber) {
        fanout.unsubscribe(deviceId, subscriber);
        progress.unsubscribe(deviceId, subscriber);
      },
    };
  });
}

/** `/ws/fleet`: the overview of all devices that the viewer may see, coalesced. */
export function createFleetDoor(context: DoorContext, feed: FleetFeed): Door {
  const { authorizer } = context;
  return new ViewerDoor("fleet", context, (rest, principal) => {
    if (rest !== "") return null;
    const mayView = authorizer.mayViewAll(principal)
      ? null
      : (deviceId: string) => authorizer.mayView(principal, deviceId);
    return {
      subscribe: (subscriber) => feed.subscribe(subscriber, mayView),
      unsubscribe: (subscriber) => feed.unsubscribe(subscriber),
    };
  });
}
