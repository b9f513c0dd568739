import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

/** A frame as the server sent it. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** What the server answered to plain HTTP or to a handshake. */
export interface RawAnswer {
  readonly status: number;
  /** The header lines, lower-case. */
  readonly headers: string;
  readonly body: string;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/**
 * A TCP socket that speaks as much WebSocket as the test says and not more: it answers no ping and no close, and sends whatever bytes it
 * is given. Destroyed with the test.
 */
export class RawSocket {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #upgraded = false;
  readonly frames: RawFrame[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      if (this.#upgraded) this.#parse();
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      this.#ended = true;
    });
    onTestFinished(() => {
      socket.destroy();
    });
  }

  /** Connects to the host and port of `url`. */
  static async connect(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    // The server's FIN is not answered by itself: a half-open peer must be possible.
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const raw = new RawSocket(socket);
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.setNoDelay(true);
    return raw;
  }

  write(...parts: (string | Uint8Array)[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  }

  /** Sends a masked text frame. */
  send(message: object | string): void {
    this.write(clientFrame(typeof message === "string" ? message : JSON.stringify(message)));
  }

  /** What the server has answered so far; resolves when it is whole. */
  async answer(): Promise<RawAnswer> {
    return await eventually(() => {
      const text = this.#bytes.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) throw new Error(this.#ended ? "the server closed without an answer" : "no answer yet");
      const status = Number(text.slice(9, 12));
      const headers = text.slice(0, end).toLowerCase();
      const length = Number(/content-length: (\d+)/.exec(headers)?.[1] ?? 0);
      if (text.length < end + 4 + length) throw new Error("the body is not whole yet");
      if (status === 101 && !this.#upgraded) {
        this.#upgraded = true;
        this.#bytes = this.#bytes.subarray(end + 4);
        this.#parse();
      }
      return { status, headers, body: text.slice(end + 4, end + 4 + length) };
    });
  }

  /** Sends a proper handshake, with `pipelined` right behind it, and gives the answer. */
  async handshake(
    path: string,
    headers: Readonly<Record<string, string>> = {},
    ...pipelined: Uint8Array[]
  ): Promise<RawAnswer> {
    this.write(handshakeRequest(path, headers), ...pipelined);
    return await this.answer();
  }

  /** Resolves when the server has ended its side of the connection, or destroyed it. */
  async ended(withinMs = 5_000): Promise<void> {
    await eventually(
      () => {
        if (!this.isEnded) throw new Error("the socket is still open");
      },
      { withinMs },
    );
  }

  get isEnded(): boolean {
    return this.#ended || this.socket.readableEnded;
  }

  /** The server's close frame. */
  async closeFrame(): Promise<{ code: number; reason: string }> {
    return await eventually(() => {
      const frame = this.frames.find(({ opcode }) => opcode === opcodes.close);
      if (frame === undefined) throw new Error("no close frame yet");
      return { code: frame.payload.readUInt16BE(0), reason: frame.payload.toString("utf8", 2) };
    });
  }

  #parse(): void {
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      const short = (bytes[1] ?? 0) & 0x7f;
      const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < headerBytes) return;
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
      if (bytes.length < headerBytes + length) return;
      const payload = Buffer.from(bytes.subarray(headerBytes, headerBytes + length));
      this.frames.push({ opcode: (bytes[0] ?? 0) & 0x0f, payload });
      this.#bytes = bytes.subarray(headerBytes + length);
    }
  }
}

/** A device on a raw socket, let in. */
export async function openRawDevice(url: string, deviceId: string, token: string): Promise<RawSocket> {
  const raw = await RawSocket.connect(url);
  const { status } = await raw.handshake(`/ws/device/${deviceId}`, { authorization: `Bearer ${token}` });
  if (status !== 101) throw new Error(`refused with ${status}`);
  return raw;
}

/** The bytes of a proper handshake; `headers` are added, or go over the usual ones. */
export function handshakeRequest(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    host: "127.0.0.1",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

export interface FrameShape {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly masked?: boolean;
  /** The three reserved bits, 0 to 7. */
  readonly reserved?: number;
  /** The length that the header claims, where it is not the payload's. */
  readonly claimedBytes?: number;
}

/** A frame as a client sends it (RFC 6455 §5.2), or wrong in the way that `shape` says. */
export function clientFrame(payload: string | Uint8Array, shape: FrameShape = {}): Buffer {
  const { opcode = opcodes.text, fin = true, masked = true, reserved = 0 } = shape;
  const body = Buffer.from(payload as string);
  const length = shape.claimedBytes ?? body.length;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  header[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) header.writeUInt16BE(length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([header, body]);
  const mask = randomBytes(4);
  const hidden = Buffer.from(body.map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
  return Buffer.concat([header, mask, hidden]);
}
