import type { Server } from "node:http";
import type { Socket } from "node:net";
import { paths, refuse } from "@wattboard/protocol";
import type { AddressLimit } from "../access/address-limit.ts";
import type { Health } from "../observe/health.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { Door, DoorName } from "./doors.ts";
import { type Handshake, refuseHandshake } from "./upgrade.ts";

/** Routes every WebSocket handshake to its door, and bounds what an address can hold open. */
export class UpgradeRouter {
  readonly #doors: Record<DoorName, Door>;
  readonly #health: Health;
  readonly #log: Log;
  readonly #throttle: Throttle;
  readonly #addresses: AddressLimit;
  refusedSocketCount = 0;

  constructor(
    doors: Record<DoorName, Door>,
    parts: { readonly health: Health; readonly log: Log; readonly throttle: Throttle },
    addresses: AddressLimit,
  ) {
    this.#doors = doors;
    this.#health = parts.health;
    this.#log = parts.log;
    this.#throttle = parts.throttle;
    this.#addresses = addresses;
  }

  attach(server: Server): void {
    server.on("connection", (socket: Socket) => this.#count(socket));
    server.on("upgrade", (request, socket, head) => {
      // Node types the socket as a Duplex; on an HTTP server without TLS of its own it is a net.Socket.
      this.#route({ request, socket: socket as Socket, head });
    });
  }

  #count(socket: Socket): void {
    if (this.#addresses.take(socket)) return;
    this.refusedSocketCount++;
    const address = socket.remoteAddress ?? "";
    const suppressed = this.#throttle.pass(`sockets ${address}`);
    if (suppressed !== null) {
      this.#log.warn({ address, suppressed }, "too many sockets from this address; see limits.sockets_per_address");
    }
    socket.destroy();
  }

  #route(handshake: Handshake): void {
    const { request, socket } = handshake;
    // Until a door takes it, nobody else listens for the socket's errors.
    socket.on("error", () => socket.destroy());
    if (this.#health.isStopping) {
      refuseHandshake(handshake, refuse("stopping"), { "Retry-After": "5" });
      return;
    }
    const [path = ""] = (request.url ?? "").split("?", 1);
    if (path.startsWith(paths.device)) this.#doors.device.knock(handshake, path.slice(paths.device.length));
    else if (path.startsWith(paths.dashboard))
      this.#doors.dashboard.knock(handshake, path.slice(paths.dashboard.length));
    else if (path === paths.fleet) this.#doors.fleet.knock(handshake, "");
    else
      refuseHandshake(
        handshake,
        refuse("not_found", `WebSockets are at ${Object.values(paths).slice(0, 3).join(", ")}.`),
      );
  }
}
