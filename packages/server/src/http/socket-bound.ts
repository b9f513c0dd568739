import type { RequestListener, Server } from "node:http";
import type { Socket } from "node:net";
import { refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { Events } from "../observe/events.ts";
import type { Log } from "../observe/log.ts";
import { descriptorsMax, descriptorsOpen } from "../observe/machine.ts";
import { Throttle } from "../observe/throttle.ts";
import { onAnswerEnd } from "./answer-end.ts";

export interface SocketLimits {
  /** Sockets that may stay. */
  readonly socketsMax: number;
  /** Sockets beyond that, for one request each: health, metrics and whoever administers get through, and the others an answer. */
  readonly spareSockets: number;
}

const logMs = 10_000;
const eventMs = 10 * 60_000;
export const retryAfterS = 10;

/**
 * Keeps descriptors left over: above `socketsMax` a socket serves one plain request and is closed, and a WebSocket is refused with 503. Where even
 * the spare ones are taken, the one that has been idle longest gives way, so that who comes now is heard.
 */
export class SocketBound {
  readonly #limits: SocketLimits;
  readonly #log: Log;
  readonly #events: Events;
  readonly #logThrottle: Throttle;
  readonly #eventThrottle: Throttle;
  /** By the socket's other end, since a socket and the TLS around it are two objects; the oldest first. */
  readonly #beyond = new Map<string, { readonly socket: Socket; requests: number }>();
  #isTls = false;
  openCount = 0;
  refusedCount = 0;

  constructor(clock: Clock, log: Log, events: Events, limits: SocketLimits) {
    this.#limits = limits;
    this.#log = log;
    this.#events = events;
    this.#logThrottle = new Throttle(clock, logMs);
    this.#eventThrottle = new Throttle(clock, eventMs);
  }

  get socketsMax(): number {
    return this.#limits.socketsMax;
  }

  attach(server: Server, isTls: boolean): void {
    this.#isTls = isTls;
    server.on("connection", (socket: Socket) => this.#take(socket));
  }

  /** Whether the socket is one too many, and must not stay. */
  isBeyond(socket: Socket): boolean {
    const key = keyOf(socket);
    if (!this.#beyond.has(key)) return false;
    if (this.openCount > this.#limits.socketsMax) return true;
    // Others have left meanwhile.
    this.#beyond.delete(key);
    return false;
  }

  /** Notes that a handshake was refused. */
  noteRefused(): void {
    this.refusedCount++;
    this.#tell();
  }

  /** Ends a socket that is one too many with the request that it came for. */
  endAfterOne(next: RequestListener): RequestListener {
    return (request, response) => {
      const beyond = this.isBeyond(request.socket) ? this.#beyond.get(keyOf(request.socket)) : undefined;
      if (beyond !== undefined) {
        beyond.requests++;
        response.setHeader("Connection", "close");
        onAnswerEnd(response, () => beyond.requests--);
      }
      next(request, response);
    };
  }

  #take(socket: Socket): void {
    const key = keyOf(socket);
    this.openCount++;
    socket.once("close", () => {
      this.openCount--;
      this.#beyond.delete(key);
    });
    if (this.openCount <= this.#limits.socketsMax) return;
    if (this.#beyond.size >= this.#limits.spareSockets) this.#giveUpOne();
    this.#beyond.set(key, { socket, requests: 0 });
  }

  #giveUpOne(): void {
    let [key, oldest] = this.#beyond.entries().next().value ?? [];
    for (const [each, beyond] of this.#beyond) {
      if (beyond.requests > 0) continue;
      [key, oldest] = [each, beyond];
      break;
    }
    if (key === undefined || oldest === undefined) return;
    this.#beyond.delete(key);
    this.noteRefused();
    const { socket } = oldest;
    // Whatever it was about to ask. In the clear an answer can be given before; in TLS the handshake is not even over.
    if (!this.#isTls && oldest.requests === 0) {
      socket.write(
        `HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: ${retryAfterS}\r\nContent-Length: 0\r\n\r\n`,
      );
    }
    socket.destroy();
  }

  #tell(): void {
    const { socketsMax } = this.#limits;
    const suppressed = this.#logThrottle.pass("");
    if (suppressed === null) return;
    this.#log.warn(
      { sockets: this.openCount, sockets_max: socketsMax, suppressed },
      "as many sockets as may be are open: who comes is refused with 503; see limits.sockets and the limit of open files",
    );
    if (this.#eventThrottle.pass("") === null) return;
    this.#events.note(
      "sockets_full",
      null,
      `All ${socketsMax} sockets are taken: devices and viewers that come are refused with 503 until others leave.`,
    );
  }
}

/** What a WebSocket that is one too many is told. */
export const serverFull = refuse("server_full");

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

const filesKept = 64;
const spareMax = 64;

/**
 * How many sockets may stay, where so many descriptors may be open and some are: files (the databases, exports, backups) and requests beyond the
 * bound keep theirs.
 */
export function socketLimits(wanted: number, descriptorsMax: number | null, descriptorsOpen: number): SocketLimits {
  if (descriptorsMax === null) return { socketsMax: wanted, spareSockets: spareMax };
  const left = Math.max(0, descriptorsMax - descriptorsOpen);
  const files = Math.min(filesKept, Math.floor(left / 4));
  const spareSockets = Math.max(1, Math.min(spareMax, Math.floor(left / 8)));
  return { socketsMax: Math.max(1, Math.min(wanted, left - files - spareSockets)), spareSockets };
}

/** As many sockets as `limits.sockets` says, or as the limit of open files leaves. */
export function boundSockets(wanted: number, clock: Clock, log: Log, events: Events): SocketBound {
  const descriptors = descriptorsMax();
  const bounds = socketLimits(wanted, descriptors, descriptorsOpen());
  if (bounds.socketsMax < wanted) {
    log.warn(
      { descriptors_max: descriptors, sockets_max: bounds.socketsMax },
      "fewer sockets than limits.sockets may be open, since the limit of open files is lower: raise it (ulimit -n, LimitNOFILE=), or lower limits.sockets",
    );
  }
  return new SocketBound(clock, log, events, bounds);
}
