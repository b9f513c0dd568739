import type { Server } from "node:http";
import type { Socket } from "node:net";
import { paths, refuse, smartOsPaths } from "@wattboard/protocol";
import type { AddressLimit } from "../access/address-limit.ts";
import { addressPrefix } from "../access/address-prefix.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import { refuseOutright } from "../http/access-guard.ts";
import { retryAfterS, type SocketBound, serverFull } from "../http/socket-bound.ts";
import type { Health } from "../observe/health.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { Door } from "./door.ts";
import type { DoorName } from "./door-name.ts";
import { type Handshake, refuseHandshake } from "./upgrade.ts";

/** Handshakes that may wait for their turn; one more is answered 429. */
const waitingMax = 5_000;

/** Routes every WebSocket handshake to its door, one in a turn of the event loop, and bounds what an address can hold open. */
export class UpgradeRouter {
  readonly #doors: Record<DoorName, Door>;
  readonly #authorizer: Authorizer;
  readonly #health: Health;
  readonly #log: Log;
  readonly #throttle: Throttle;
  readonly #addresses: AddressLimit;
  readonly #socketBound: SocketBound;
  readonly #yieldQueue: YieldQueue;
  readonly #clock: Pick<Clock, "nextTurn">;
  refusedSocketCount = 0;
  /** Handshakes whose client had left before their turn came. */
  leftCount = 0;

  constructor(
    doors: Record<DoorName, Door>,
    parts: {
      readonly authorizer: Authorizer;
      readonly health: Health;
      readonly log: Log;
      readonly socketBound: SocketBound;
      readonly throttle: Throttle;
    },
    addresses: AddressLimit,
    yieldQueue = new YieldQueue(waitingMax),
    clock: Pick<Clock, "nextTurn"> = systemClock,
  ) {
    this.#doors = doors;
    this.#authorizer = parts.authorizer;
    this.#health = parts.health;
    this.#log = parts.log;
    this.#throttle = parts.throttle;
    this.#socketBound = parts.socketBound;
    this.#addresses = addresses;
    this.#yieldQueue = yieldQueue;
    this.#clock = clock;
  }

  attach(server: Server): void {
    server.on("connection", (socket: Socket) => this.#count(socket));
    server.on("upgrade", (request, socket, head) => {
      // Node types the socket as a Duplex; it is a net.Socket, or the TLSSocket around one.
      this.#await({ request, socket: socket as Socket, head });
    });
  }

  /**
   * Has the handshake wait for its turn. A server that has fallen behind finds those first who came first, and many of them have given up: so
   * much is read before anything is done that this shows, and the time goes to those who still wait.
   */
  #await(handshake: Handshake): void {
    const { socket } = handshake;
    // Until a door takes it, nobody else listens for the socket's errors.
    socket.on("error", () => socket.destroy());
    const isThere = (): boolean => {
      if (!socket.destroyed && !socket.readableEnded) return true;
      this.leftCount++;
      socket.destroy();
      return false;
    };
    const pass = (): void => {
      if (!this.#yieldQueue.pass(() => this.#route(handshake), isThere)) refuseHandshake(handshake, refuse("busy"));
    };
    // The end of a connection is read in the turn after its request.
    this.#clock.nextTurn(() => this.#clock.nextTurn(pass));
  }

  #count(socket: Socket): void {
    if (this.#addresses.take(socket)) return;
    this.#noteTooMany(socket.remoteAddress ?? "");
    socket.destroy();
  }

  #noteTooMany(address: string): void {
    this.refusedSocketCount++;
    const suppressed = this.#throttle.pass(`sockets ${addressPrefix(address)}`);
    if (suppressed !== null) {
      this.#log.warn({ address, suppressed }, "too many sockets from this address; see limits.sockets_per_address");
    }
  }

  #route(handshake: Handshake): void {
    const { request, socket } = handshake;
    if (this.#health.isStopping) {
      refuseHandshake(handshake, refuse("stopping"), { "Retry-After": "5" });
      return;
    }
    if (this.#socketBound.isBeyond(socket)) {
      this.#socketBound.noteRefused();
      refuseHandshake(handshake, serverFull, { "Retry-After": String(retryAfterS) });
      return;
    }
    const refusal = refuseOutright(request, { authorizer: this.#authorizer, log: this.#log, throttle: this.#throttle });
    if (refusal !== null) {
      refuseHandshake(handshake, refusal);
      return;
    }
    const address = this.#authorizer.addressOf(request);
    // What a declared proxy opened was not counted yet; all else was.
    if (!this.#addresses.takeFor(socket, address)) {
      this.#noteTooMany(address);
      refuseHandshake(handshake, refuse("too_many_sockets"));
      return;
    }
    const path = doorPath(request.url ?? "");
    if (path.startsWith(paths.device)) this.#doors.device.accept(handshake, path.slice(paths.device.length));
    else if (path.startsWith(paths.dashboard))
      this.#doors.dashboard.accept(handshake, path.slice(paths.dashboard.length));
    else if (path === paths.fleet) this.#doors.fleet.accept(handshake, "");
    else if (isAt(path, smartOsPaths.update)) this.#doors.update.accept(handshake, "");
    else if (isAt(path, smartOsPaths.client)) this.#doors.client.accept(handshake, "");
    else
      refuseHandshake(
        handshake,
        refuse("not_found", `WebSockets are at ${Object.values(paths).slice(0, 3).join(", ")}.`),
      );
  }
}

/** What people and proxies make of an address: a slash too many at its ends, and letters as %41. */
function doorPath(url: string): string {
  const [path = ""] = url.split("?", 1);
  let start = 0;
  while (path[start + 1] === "/") start++;
  const bare = path.slice(start);
  // A door without an id is a door: it answers as it does to an id that nobody has.
  const isDoor = bare === paths.device || bare === paths.dashboard;
  try {
    return decodeURIComponent(bare.endsWith("/") && !isDoor ? bare.slice(0, -1) : bare);
  } catch {
    return bare;
  }
}

/** The path has no slash at its end. */
function isAt(path: string, door: string): boolean {
  return path === door || `${path}/` === door;
}
