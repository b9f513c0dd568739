import type { IncomingMessage } from "node:http";
import { isDeviceId, isRefusal, type Refusal, refuse, subprotocol } from "@wattboard/protocol";
import type { Principal } from "../access/principal.ts";
import { refuseOrigin } from "../access/refuse-origin.ts";
import { offeredTicket } from "../access/tickets.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import { textFrame } from "../link/frame.ts";
import { Link } from "../link/link.ts";
import type { StreamPlace } from "../telemetry/device-stream.ts";
import type { Fanout } from "../telemetry/fanout.ts";
import type { FleetFeed } from "../telemetry/fleet-feed.ts";
import type { Door, DoorContext } from "./door.ts";
import type { DoorName } from "./door-name.ts";
import { acceptHandshake, type Handshake, refuseHandshake } from "./upgrade.ts";

/** What a viewer gets, and from when to when. */
interface Feed {
  /** `query`: of the address, where the viewer speaks the subprotocol; null where it does not, and gets plain frames. */
  subscribe(subscriber: Link, query: URLSearchParams | null): void;
  unsubscribe(subscriber: Link): void;
}

/** The feed at the address behind the door's own, or why there is none for them. */
type FeedOf = (rest: string, principal: Principal) => Feed | Refusal;

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
      beats,
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
    const admitted = this.#admit(request, rest);
    if (isRefusal(admitted)) {
      links.noteRefused(this.name, admitted.code);
      refuseHandshake(handshake, admitted);
      return;
    }
    const { feed, principal } = admitted;
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
          links.remove(this.name, link, end);
          rightsWatch.remove(link);
          beats.remove(link);
          feed.unsubscribe(link);
          if (end !== "slow_reader") return;
          links.slowReaderCount++;
          log.warn({ door: this.name, address: authorizer.addressOf(request) }, "slow reader cut");
        },
      });
      links.add(this.name, link);
      rightsWatch.add(link, principal);
      const isPlain = webSocket.protocol !== subprotocol;
      feed.subscribe(link, isPlain ? null : addressQuery(request));
      if (!isPlain) beats.add(link);
    });
  }

  /** A ticket says by itself who asks, from whichever page: a browser adds nothing of its own to it. */
  #identify(request: IncomingMessage, rest: string): Principal | Refusal {
    const { authorizer, tickets } = this.#context;
    const ticket = offeredTicket(request.headers["sec-websocket-protocol"]);
    if (ticket !== null) {
      return tickets.redeem(ticket, this.name === "fleet" ? null : rest) ?? refuse("ticket_not_valid");
    }
    return refuseOrigin(request, this.#context) ?? authorizer.identify(request) ?? refuse("forbidden");
  }

  refusalOf(request: IncomingMessage, rest: string): Refusal | null {
    const admitted = this.#admit(request, rest);
    return isRefusal(admitted) ? admitted : null;
  }

  /** Who asks, and what they get; or why they get nothing. */
  #admit(request: IncomingMessage, rest: string): { readonly feed: Feed; readonly principal: Principal } | Refusal {
    const principal = this.#identify(request, rest);
    if (isRefusal(principal)) return principal;
    const feed = this.#feedOf(rest, principal);
    return isRefusal(feed) ? feed : { feed, principal };
  }
}

/**
 * `/ws/dashboard/{device_id}` (DESIGN §3.2): the latest sample at once, then every sample as the device sent it. With the subprotocol every frame has
 * its place, there are more kinds of them, and who comes back with `?epoch=…&offset=…` gets what it has missed.
 */
export function createDashboardDoor(
  context: DoorContext,
  devices: DeviceRegistry,
  latest: DeviceStates,
  fanout: Fanout,
): Door {
  return new ViewerDoor("dashboard", context, (deviceId, principal) => {
    if (!isDeviceId(deviceId) || !context.authorizer.mayView(principal, deviceId)) return refuse("not_found");
    if (devices.find(deviceId) === undefined) return refuse("unknown_device", `It is ${deviceId}.`);
    return {
      subscribe(subscriber, query) {
        const state = latest.find(deviceId);
        const message = state?.latestFrame ?? null;
        if (query !== null) {
          const mayViewNames = context.authorizer.mayViewNames(principal);
          const newest = message === null ? null : { message, receivedAtMs: state?.latestReceivedAtMs ?? 0 };
          fanout.watch(deviceId, subscriber, { mayViewNames, place: readPlace(query), newest });
          return;
        }
        if (message !== null) subscriber.send(textFrame(message));
        fanout.subscribe(deviceId, subscriber);
      },
      unsubscribe: (subscriber) => fanout.unsubscribe(deviceId, subscriber),
    };
  });
}

function addressQuery({ url = "" }: IncomingMessage): URLSearchParams {
  const at = url.indexOf("?");
  return new URLSearchParams(at === -1 ? "" : url.slice(at));
}

/** The place of the last frame that a client has. What is none is one of which nothing is known: the client is told that it missed something. */
function readPlace(query: URLSearchParams): StreamPlace | null {
  const [epoch, offset] = [query.get("epoch"), query.get("offset")];
  return epoch === null || offset === null ? null : { epoch: Number(epoch), offset: Number(offset) };
}

/** `/ws/fleet`: the overview of all devices that the viewer may see, coalesced. */
export function createFleetDoor(context: DoorContext, feed: FleetFeed): Door {
  const { authorizer } = context;
  return new ViewerDoor("fleet", context, (rest, principal) => {
    if (rest !== "") return refuse("not_found");
    const mayView = authorizer.mayViewAll(principal)
      ? null
      : (deviceId: string) => authorizer.mayView(principal, deviceId);
    return {
      subscribe: (subscriber) => feed.subscribe(subscriber, mayView),
      unsubscribe: (subscriber) => feed.unsubscribe(subscriber),
    };
  });
}
