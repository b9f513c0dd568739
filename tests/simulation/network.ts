import type { Connection, ConnectionEvents } from "../../packages/device/dist/transport.js";
import type { Chance } from "./chance.ts";
import { type ServerEnd, ServerSocket } from "./server-socket.ts";
import type { Timeline } from "./timeline.ts";

/** Who answers at the address of the server. */
export interface Host {
  accept(wire: Wire): void;
}

/** Told of what goes over the network, at either end of it. */
export interface NetworkObserver {
  deviceSends(wire: Wire, text: string): void;
  serverSends(wire: Wire, text: string): void;
  admitted(wire: Wire): void;
  /** `hear` gives a frame to the server. */
  serverHears(wire: Wire, hear: () => void): void;
}

const latencyMsMin = 2;
const latencyMsMax = 60;
/** A machine that is there, and where nobody listens, says so after so long, ms. */
const refusedMs = 30;

/** One direction of a connection: what is sent arrives later, whole and in order, or not at all. */
class Lane {
  readonly #timeline: Timeline;
  readonly #latencyMs: number;
  readonly #queue: { readonly deliver: () => void; readonly bytes: number; isDue: boolean }[] = [];
  isFrozen = false;
  #isCut = false;
  queuedBytes = 0;

  constructor(timeline: Timeline, latencyMs: number) {
    this.#timeline = timeline;
    this.#latencyMs = latencyMs;
  }

  send(deliver: () => void, bytes = 0): void {
    if (this.#isCut) return;
    const item = { deliver, bytes, isDue: false };
    this.#queue.push(item);
    this.queuedBytes += bytes;
    this.#timeline.after(this.#latencyMs, () => {
      item.isDue = true;
      this.#flow();
    });
  }

  /** When something last went wrong on it; before it was opened: never. */
  disturbedAtMs = Number.NEGATIVE_INFINITY;

  freeze(): void {
    this.isFrozen = true;
    this.disturbedAtMs = this.#timeline.nowMs;
  }

  thaw(): void {
    this.isFrozen = false;
    this.disturbedAtMs = this.#timeline.nowMs;
    this.#flow();
  }

  /** Nothing arrives any more, not what is on its way either: a frame of which a part had arrived is none. */
  cut(): void {
    this.#isCut = true;
    this.disturbedAtMs = this.#timeline.nowMs;
    this.#queue.length = 0;
  }

  #flow(): void {
    while (!this.isFrozen && !this.#isCut && this.#queue[0]?.isDue) {
      const item = this.#queue.shift();
      this.queuedBytes -= item?.bytes ?? 0;
      item?.deliver();
    }
  }
}

/** One connection between a device and the server, seen from both ends. */
export class Wire implements Connection, ServerEnd {
  readonly no: number;
  readonly deviceId: string;
  readonly speaksSubprotocol = true;
  readonly toServer: Lane;
  readonly toDevice: Lane;
  readonly server: ServerSocket;
  isOpen = false;
  /** The network has lost it, whoever knows. */
  isLost = false;
  readonly #events: ConnectionEvents;
  readonly #timeline: Timeline;
  readonly #observer: NetworkObserver;
  readonly #onEnd: (wire: Wire) => void;
  #hasEnded = false;

  constructor(
    { no, deviceId, latencyMs }: { readonly no: number; readonly deviceId: string; readonly latencyMs: number },
    timeline: Timeline,
    events: ConnectionEvents,
    observer: NetworkObserver,
    onEnd: (wire: Wire) => void,
  ) {
    this.no = no;
    this.deviceId = deviceId;
    this.#timeline = timeline;
    this.#events = events;
    this.#observer = observer;
    this.#onEnd = onEnd;
    this.toServer = new Lane(timeline, latencyMs);
    this.toDevice = new Lane(timeline, latencyMs);
    this.server = new ServerSocket(this);
  }

  /** Whether it is open, and nothing has happened to it since then. */
  isSteadySince(sinceMs: number): boolean {
    return this.isOpen && !this.isLost && !this.toServer.isFrozen && this.toServer.disturbedAtMs < sinceMs;
  }

  // The device's end.

  get waitingBytes(): number {
    return this.toServer.queuedBytes;
  }

  send(text: string): void {
    if (!this.isOpen) throw new Error("It is not open.");
    this.#observer.deviceSends(this, text);
    const frame = Buffer.from(text);
    this.toServer.send(() => this.#observer.serverHears(this, () => this.server.hear(frame)), frame.length);
  }

  close(code: number, reason: string): void {
    this.isOpen = false;
    this.toServer.send(() => this.server.hearClose(code, reason));
  }

  cut(): void {
    this.isOpen = false;
    this.toServer.send(() => this.server.lose());
    this.#timeline.after(0, () => this.endAtDevice(1006, ""));
  }

  // What comes to the device from the network.

  admitted(): void {
    this.#observer.admitted(this);
    this.toDevice.send(() => {
      if (this.#hasEnded) return;
      this.isOpen = true;
      this.#events.opened();
    });
  }

  refuse(status: number, retryAfter: string | undefined): void {
    this.toDevice.send(() => {
      if (!this.#hasEnded) this.#events.refused(status, retryAfter);
      this.endAtDevice(1006, "");
    });
  }

  fail(): void {
    if (!this.#hasEnded) this.#events.failed("Nobody answers there.");
    this.endAtDevice(1006, "");
  }

  push(text: string, bytes: number): void {
    this.#observer.serverSends(this, text);
    this.toDevice.send(() => {
      if (!this.#hasEnded) this.#events.received(text);
    }, bytes);
  }

  pinged(): void {
    if (this.#hasEnded) return;
    this.#events.pinged();
    this.toServer.send(() => this.server.hearPong());
  }

  closedByServer(code: number, reason: string): void {
    if (this.isOpen) this.toServer.send(() => this.server.hearClose(code, reason));
    this.endAtDevice(code, reason);
  }

  endAtDevice(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.isOpen = false;
    this.#onEnd(this);
    this.#events.closed(code, reason);
  }

  /** The device's process is gone: nobody hears anything there. */
  abandon(): void {
    this.#hasEnded = true;
    this.isOpen = false;
    this.#onEnd(this);
  }
}

/** All that lies between the devices and the server. */
export class Network {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #observer: NetworkObserver;
  readonly #wires = new Map<string, Wire>();
  readonly #late = new Map<string, Wire[]>();
  #count = 0;
  /** Null: nobody listens there. */
  host: Host | null = null;
  /** Machines whose packets go nowhere. */
  readonly partitioned = new Set<string>();

  constructor(timeline: Timeline, chance: Chance, observer: NetworkObserver) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#observer = observer;
  }

  /** The connection that the machine of that name has now. */
  wireOf(name: string): Wire | undefined {
    return this.#wires.get(name);
  }

  wires(): Wire[] {
    return [...this.#wires.values()];
  }

  /** A machine of that name connects as that device. */
  connect(name: string, deviceId: string, events: ConnectionEvents): Wire {
    const latencyMs = this.#chance.between(latencyMsMin, latencyMsMax);
    const no = ++this.#count;
    const wire = new Wire({ no, deviceId, latencyMs }, this.#timeline, events, this.#observer, (ended) => {
      if (this.#wires.get(name) === ended) this.#wires.delete(name);
    });
    this.#wires.set(name, wire);
    if (this.partitioned.has(name)) this.freeze(wire);
    wire.toServer.send(() => {
      if (this.host === null) this.#timeline.after(refusedMs, () => wire.fail());
      else this.host.accept(wire);
    });
    return wire;
  }

  /** Lost connections of the device on which something is still on its way. */
  takeLate(deviceId: string): Wire[] {
    const late = this.#late.get(deviceId) ?? [];
    this.#late.delete(deviceId);
    return late;
  }

  freeze(wire: Wire): void {
    wire.toServer.freeze();
    wire.toDevice.freeze();
  }

  thaw(wire: Wire): void {
    wire.toServer.thaw();
    wire.toDevice.thaw();
  }

  /**
   * The connection is lost. Each end learns of it after so long, ms, or never by the network: null. `isLate`: what the device has sent may still come
   * to the server, once its next connection is there (`takeLate`).
   */
  lose(wire: Wire, deviceMs: number | null, serverMs: number | null, isLate: boolean): void {
    wire.isLost = true;
    wire.toDevice.cut();
    if (isLate) {
      wire.toServer.freeze();
      this.#late.set(wire.deviceId, [...(this.#late.get(wire.deviceId) ?? []), wire]);
    } else wire.toServer.cut();
    if (deviceMs !== null) this.#timeline.after(deviceMs, () => wire.endAtDevice(1006, ""));
    if (serverMs !== null) this.#timeline.after(serverMs, () => wire.server.lose());
  }
}
