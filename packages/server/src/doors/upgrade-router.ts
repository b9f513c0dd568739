import type { Server } from "node:http";
import type { Socket } from "node:net";
import { paths, refuse, smartOsPaths } from "@wattboard/protocol";
import type { AddressLimit } from "../access/address-limit.ts";
import { addressPrefix } from "../access/address-prefix.ts";
import type { Gate } from "../access/gate.ts";
import type { Health } from "../observe/health.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import { refuseOutright } from "./access-guard.ts";
import type { Door, DoorName } from "./doors.ts";
import { type Handshake, refuseHandshake } from "./upgrade.ts";

/** Routes every WebSocket handshake to its door, and bounds what an address can hold open. */
export class UpgradeRouter {
  readonly #doors: Record<DoorName, Door>;
  readonly #gate: Gate;
  readonly #health: Health;
  readonly #log: Log;
  readonly #throttle: Throttle;
  readonly #addresses: AddressLimit;
  refusedSocketCount = 0;

  constructor(
    doors: Record<DoorName, Door>,
    parts: { readonly gate: Gate; readonly health: Health; readonly log: Log; readonly throttle: Throttle },
    addresses: AddressLimit,
  ) {
    this.#doors = doors;
    this.#gate = parts.gate;
    this.#health = parts.health;
    this.#log = parts.log;
    this.#throttle = parts.throttle;
    this.#addresses = addresses;
  }

  attach(server: Server): void {
    server.on("connection", (socket: Socket) => this.#count(socket));
    server.on("upgrade", (request, socket, head) => {
      // Node types the socket as a Duplex; it is a net.Socket, or the TLSSocket around one.
      this.#route({ request, socket: socket as Socket, head });
    });
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
    // Until a door takes it, nobody else listens for the socket's errors.
    socket.on("error", () => socket.destroy());
    if (this.#health.isStopping) {
      refuseHandshake(handshake, refuse("stopping"), { "Retry-After": "5" });
      return;
    }
    const refusal = refuseOutright(request, { gate: this.#gate, log: this.#log, throttle: this.#throttle });
    if (refusal !== null) {
      refuseHandshake(handshake, refusal);
      return;
    }
    const address = this.#gate.addressOf(request);
    // What a declared proxy opened was not counted yet; all else was.
    if (!this.#addresses.takeFor(socket, address)) {
      this.#noteTooMany(address);
      refuseHandshake(handshake, refuse("too_many_sockets"));
      return;
    }
    const [path = ""] = (request.url ?? "").split("?", 1);
    if (path.startsWith(paths.device)) this.#doors.device.knock(handshake, path.slice(paths.device.length));
    else if (path.startsWith(paths.dashboard))
      this.#doors.dashboard.knock(handshake, path.slice(paths.dashboard.length));
    else if (path === paths.fleet) this.#doors.fleet.knock(handshake, "");
    else if (isAt(path, smartOsPaths.update)) this.#doors.update.knock(handshake, "");
    else if (isAt(path, smartOsPaths.client)) this.#doors.client.knock(handshake, "");
    else
      refuseHandshake(
        handshake,
        refuse("not_found", `WebSockets are at ${Object.values(paths).slice(0, 3).join(", ")}.`),
      );
  }
}

/** With or without the last slash. */
function isAt(path: string, door: string): boolean {
  return path === door || `${path}/` === door;
}
