import type { IncomingMessage } from "node:http";
import { disconnects, limits, type Refusal, refuse } from "@wattboard/protocol";
import type { WebSocketServer } from "ws";
import type { AddressLimit } from "../access/address-limit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { Tickets } from "../access/tickets.ts";
import type { Clock } from "../base/clock.ts";
import type { LoopLag } from "../base/loop-lag.ts";
import type { Peers } from "../devices/peers.ts";
import type { AuthorizationWatch } from "../http/authorization-watch.ts";
import type { Beats } from "../link/beats.ts";
import type { Heartbeat } from "../link/heartbeat.ts";
import type { FrameLimit, Link, LinkEnd, LinkLimits } from "../link/link.ts";
import type { GeneralLog } from "../observe/general-log.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { PeerEncoding, PeerFeed } from "../telemetry/peer-feed.ts";
import type { ConnectRate } from "./connect-rate.ts";
import type { DoorName } from "./door-name.ts";
import type { Floods } from "./floods.ts";
import type { Handshake } from "./upgrade.ts";

/** How devices get to see others. */
interface Peering {
  readonly peers: Peers;
  readonly feed: PeerFeed;
}

/** What all WebSocket doors share. */
export interface DoorContext {
  readonly clock: Clock;
  readonly connectRate: ConnectRate;
  /** A device that was let in no longer counts against its address. */
  readonly addresses: AddressLimit;
  readonly authorizer: Authorizer;
  /** For viewers that speak the subprotocol. */
  readonly beats: Beats;
  /** Null: messages are not logged. */
  readonly generalLog: GeneralLog | null;
  readonly heartbeat: Heartbeat;
  readonly linkLimits: LinkLimits;
  readonly log: Log;
  readonly loopLag: LoopLag;
  /** Null: no device may see others. */
  readonly peering: Peering | null;
  readonly authorizationWatch: AuthorizationWatch;
  readonly tickets: Tickets;
  /** For log lines that a peer could cause at will. */
  readonly throttle: Throttle;
  /** For devices, whose samples are read as they come. */
  readonly webSocketServer: WebSocketServer;
  /** For everybody else, a message in a turn. */
  readonly frameATurnServer: WebSocketServer;
  readonly viewerFrameLimit: FrameLimit;
  readonly floods: Floods;
  readonly links: Links;
}

/** One kind of WebSocket address. */
export interface Door {
  readonly name: DoorName;
  /**
   * Why whoever sends this plain request would not be let in; null where they would be. A browser does not show its page how a handshake was
   * answered. Absent: nobody is told before a handshake.
   */
  refusalOf?(request: IncomingMessage, rest: string): Refusal | null;
  /** Lets the peer in, or answers why not. `rest` is the path behind the door's own. */
  accept(handshake: Handshake, rest: string): void;
}

/** Links that do not end in an orderly way are cut after this time of a stop, ms. */
const drainMsMax = 3_000;

/** The open links by door, so that they can be counted, and closed on a stop. Bounded by the number of sockets. */
export class Links {
  readonly #links: Record<DoorName, Set<Link>> = {
    device: new Set(),
    dashboard: new Set(),
    fleet: new Set(),
    update: new Set(),
    client: new Set(),
  };
  refusedCounts = new Map<string, number>();
  /** By door and end. */
  readonly endCounts = new Map<string, number>();
  slowReaderCount = 0;

  add(door: DoorName, link: Link): void {
    this.#links[door].add(link);
  }

  /** The link has ended. */
  remove(door: DoorName, link: Link, end: LinkEnd): void {
    this.#links[door].delete(link);
    const key = `${door} ${end}`;
    this.endCounts.set(key, (this.endCounts.get(key) ?? 0) + 1);
  }

  count(door: DoorName): number {
    return this.#links[door].size;
  }

  /** Links of those who look on. */
  get viewerCount(): number {
    return this.count("dashboard") + this.count("fleet") + this.count("client");
  }

  all(): Link[] {
    return Object.values(this.#links).flatMap((links) => [...links]);
  }

  /** Tells every peer that the server restarts, and resolves when all have gone, by themselves or not. */
  async drain(clock: Clock): Promise<void> {
    if (this.all().length === 0) return;
    for (const link of this.all()) link.close(disconnects.restarting);
    const deadlineMs = clock.monotonicMs() + drainMsMax;
    await new Promise<void>((resolve) => {
      const cancel = clock.every(20, () => {
        if (this.all().length > 0 && clock.monotonicMs() < deadlineMs) return;
        cancel();
        resolve();
      });
    });
    for (const link of this.all()) link.terminate();
  }

  noteRefused(door: DoorName, code: string): void {
    const key = `${door} ${code}`;
    this.refusedCounts.set(key, (this.refusedCounts.get(key) ?? 0) + 1);
  }
}

/** From when on a device is not read for a while: far above what is dropped one by one. */
export function deviceFrameLimit(rate: {
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
}): FrameLimit {
  return {
    perSecond: limits.floodFactor * Math.max(limits.messagesPerSecond, rate.messagesPerSecond),
    burst: limits.floodFactor * Math.max(limits.messagesBurst, rate.messagesBurst),
    above: "pause",
  };
}

/** Tells a device of its peers from now on; gives who they are, or why it is not told. */
export function subscribeToPeers(
  { peering }: DoorContext,
  link: Link,
  deviceId: string,
  encoding: PeerEncoding,
): readonly string[] | Refusal {
  if (peering === null || !peering.peers.hasRight(deviceId)) return refuse("peers_not_allowed");
  const peers = peering.feed.subscribe(link, deviceId, encoding);
  return peers ?? refuse("peers_not_allowed", `${limits.peerReadersMax} devices listen already.`);
}
