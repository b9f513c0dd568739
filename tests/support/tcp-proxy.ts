import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export type Side = "client" | "server";

/** What the network does to bytes just now. */
interface Weather {
  delayMs: number;
  /** In each direction of each connection. */
  bytesPerSecond: number;
  isFrozen: boolean;
  isRefusing: boolean;
}

/** Bytes that wait in the proxy for one direction; with more it reads no further, and the sender feels it. */
const queuedBytesMax = 256 * 1024;

/**
 * The network between a client and a server on this machine, with the faults of a real one: bytes that are late, that trickle, that stop while both ends
 * believe in the connection, connections that are cut, or of which one end alone knows that they are over. It ends with the test.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #weather: Weather = {
    delayMs: 0,
    bytesPerSecond: Number.POSITIVE_INFINITY,
    isFrozen: false,
    isRefusing: false,
  };
  /** Where new connections go; another one after the server has restarted elsewhere. */
  targetPort: number;
  /** Connections that were ever taken. */
  acceptedCount = 0;
  /** Told all bytes as they come, of each connection by its number. */
  tap: ((connection: number, from: Side, bytes: Buffer) => void) | null = null;

  private constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** In front of a port of 127.0.0.1. */
  static async open(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => proxy.close());
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get openCount(): number {
    return this.#connections.size;
  }

  /** Every byte arrives so much later, in order; 0 ends it. */
  delay(ms: number): void {
    this.#weather.delayMs = ms;
  }

  /** So many bytes a second pass, in each direction of each connection; infinity ends it. */
  throttle(bytesPerSecond: number): void {
    this.#weather.bytesPerSecond = bytesPerSecond;
  }

  /** Nothing passes in any direction, and nobody is told: connections stay open, new ones are taken and hear nothing. */
  freeze(): void {
    this.#weather.isFrozen = true;
    for (const { lanes } of this.#connections) for (const lane of lanes) lane.freeze();
  }

  /** What was held up passes, and all that comes. */
  thaw(): void {
    this.#weather.isFrozen = false;
    for (const { lanes } of this.#connections) for (const lane of lanes) lane.pump();
  }

  /** Every connection ends at once, for both ends, by a reset; what was on its way is lost. */
  cut(): void {
    for (const { client, server } of this.#connections) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** New connections are reset, until told otherwise. */
  refuse(isRefusing = true): void {
    this.#weather.isRefusing = isRefusing;
  }

  /** Every connection ends for one side alone; the other one keeps a socket on which nothing comes, and what it sends goes nowhere. */
  halfOpen(endsFor: Side): void {
    for (const connection of this.#connections) connection.sever(endsFor);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.#weather.isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const number = ++this.acceptedCount;
    const connection = new Connection(
      client,
      connect({ port: this.targetPort, host: "127.0.0.1", noDelay: true }),
      this.#weather,
    );
    this.#connections.add(connection);
    connection.client.prependListener("data", (bytes: Buffer) => this.tap?.(number, "client", bytes));
    connection.server.prependListener("data", (bytes: Buffer) => this.tap?.(number, "server", bytes));
    connection.whenGone(() => this.#connections.delete(connection));
  }
}

class Connection {
  readonly client: Socket;
  readonly server: Socket;
  readonly lanes: readonly Lane[];
  #isSevered = false;

  constructor(client: Socket, server: Socket, weather: Weather) {
    this.client = client;
    this.server = server;
    client.setNoDelay(true);
    this.lanes = [new Lane(client, server, weather), new Lane(server, client, weather)];
    for (const socket of [client, server]) {
      // What follows an error is "close".
      socket.on("error", () => {});
      socket.once("close", () => {
        if (!this.#isSevered) for (const each of [client, server]) each.destroy();
      });
    }
  }

  whenGone(callback: () => void): void {
    const tell = (): void => {
      if (this.client.closed && this.server.closed) callback();
    };
    for (const socket of [this.client, this.server]) socket.once("close", tell);
  }

  sever(endsFor: Side): void {
    this.#isSevered = true;
    for (const lane of this.lanes) lane.swallow();
    this[endsFor].resetAndDestroy();
  }
}

/** One direction of a connection. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  /** Null: the sender has ended its side. */
  readonly #queue: { bytes: Buffer | null; readonly dueMs: number }[] = [];
  #queuedBytes = 0;
  /** By the throttle. */
  #freeAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isSwallowing = false;

  constructor(from: Socket, to: Socket, weather: Weather) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    from.on("data", (bytes) => this.#take(bytes));
    from.on("end", () => this.#take(null));
    from.once("close", () => clearTimeout(this.#timer));
    if (weather.isFrozen) from.pause();
  }

  freeze(): void {
    this.#from.pause();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  swallow(): void {
    this.#isSwallowing = true;
    this.#queue.length = 0;
    this.#from.resume();
  }

  #take(bytes: Buffer | null): void {
    if (this.#isSwallowing) return;
    this.#queue.push({ bytes, dueMs: performance.now() + this.#weather.delayMs });
    this.#queuedBytes += bytes?.length ?? 0;
    this.pump();
  }

  /** Passes on what may pass now, and comes back for the rest. */
  pump(): void {
    const { isFrozen, bytesPerSecond } = this.#weather;
    if (isFrozen || this.#timer !== undefined) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const waitMs = Math.max(next.dueMs, this.#freeAtMs) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.pump();
        }, waitMs);
        break;
      }
      // A twentieth of a second's worth at a time, so that it trickles.
      const piece = next.bytes?.subarray(0, Math.max(1, Math.floor(bytesPerSecond / 20))) ?? null;
      if (piece === null) this.#to.end();
      else this.#to.write(piece);
      if (piece !== null && next.bytes !== null && piece.length < next.bytes.length)
        next.bytes = next.bytes.subarray(piece.length);
      else this.#queue.shift();
      this.#queuedBytes -= piece?.length ?? 0;
      this.#freeAtMs = performance.now() + (1_000 * (piece?.length ?? 0)) / bytesPerSecond;
    }
    if (this.#queuedBytes + this.#to.writableLength < queuedBytesMax) this.#from.resume();
    else {
      this.#from.pause();
      this.#to.once("drain", () => this.pump());
    }
  }
}
