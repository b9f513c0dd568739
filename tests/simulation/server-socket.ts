import { EventEmitter } from "node:events";

/** The connection as its server's end sees it. */
export interface ServerEnd {
  readonly toServer: { freeze(): void; thaw(): void };
  readonly toDevice: { readonly queuedBytes: number; send(deliver: () => void): void };
  /** The server writes a frame. */
  push(text: string, bytes: number): void;
  admitted(): void;
  refuse(status: number, retryAfter: string | undefined): void;
  pinged(): void;
  closedByServer(code: number, reason: string): void;
  endAtDevice(code: number, reason: string): void;
}

const [open, closing, closed] = [1, 2, 3];

/**
 * The server's end of a connection: what `Link` and the doors use of a `WebSocket` of `ws`, and of the `Socket` below it. Frames that the server
 * writes to the socket are read as RFC 6455 has them.
 */
export class ServerSocket extends EventEmitter {
  readonly OPEN = open;
  readonly protocol = "wattboard.v1";
  readonly writable = true;
  readyState = open;
  isPaused = false;
  bytesWritten = 0;
  readonly #wire: ServerEnd;
  /** The process is gone. */
  #isDead = false;

  constructor(wire: ServerEnd) {
    super();
    this.#wire = wire;
  }

  // As the server uses it.

  /** The handshake is accepted. */
  admit(): void {
    this.#wire.admitted();
  }

  get writableLength(): number {
    return this.#wire.toDevice.queuedBytes;
  }

  write(frame: Buffer): boolean {
    this.bytesWritten += frame.length;
    this.#wire.push(textOf(frame), frame.length);
    return true;
  }

  /** The answer to a handshake that is refused. */
  end(answer: string): void {
    const [, status = "0"] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
    const [, retryAfter] = /\r\nRetry-After: (\d{1,9})\r\n/.exec(answer) ?? [];
    this.#wire.refuse(Number(status), retryAfter);
  }

  close(code: number, reason: string): void {
    if (this.readyState !== open) return;
    this.readyState = closing;
    this.#wire.toDevice.send(() => this.#wire.closedByServer(code, reason));
  }

  terminate(): void {
    if (this.readyState === closed) return;
    this.#wire.toDevice.send(() => this.#wire.endAtDevice(1006, ""));
    this.lose();
  }

  ping(): void {
    this.#wire.toDevice.send(() => this.#wire.pinged());
  }

  pause(): void {
    this.isPaused = true;
    this.#wire.toServer.freeze();
  }

  resume(): void {
    this.isPaused = false;
    this.#wire.toServer.thaw();
  }

  // What comes to the server from the network.

  hear(frame: Buffer): void {
    if (!this.#isDead && this.readyState !== closed) this.emit("message", frame, false);
  }

  hearPong(): void {
    if (!this.#isDead && this.readyState !== closed) this.emit("pong");
  }

  hearClose(code: number, reason: string): void {
    if (this.readyState === open) this.#wire.toDevice.send(() => this.#wire.endAtDevice(code, reason));
    this.#end(code);
  }

  lose(): void {
    this.#end(1006);
  }

  /** The server's process is gone: nothing is heard there any more. */
  die(): void {
    this.#isDead = true;
  }

  #end(code: number): void {
    if (this.readyState === closed) return;
    this.readyState = closed;
    if (!this.#isDead) this.emit("close", code);
  }
}

/** The payload of one unmasked text frame. */
function textOf(frame: Buffer): string {
  const length = (frame[1] ?? 0) & 0x7f;
  return frame.toString("utf8", length < 126 ? 2 : length === 126 ? 4 : 10);
}
