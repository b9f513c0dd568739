import { connect, type Socket } from "node:net";

const tickMs = 5;
const socketCount = 8;

/** Somebody who guesses passwords at a steady pace, whatever the answers are. */
export class GuessLoad {
  readonly #sockets: Socket[];
  readonly #perSecond: number;
  readonly #hasOneAddress: boolean;
  #timer: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  sent = 0;
  answered = 0;

  private constructor(sockets: Socket[], perSecond: number, hasOneAddress: boolean) {
    this.#sockets = sockets;
    this.#perSecond = perSecond;
    this.#hasOneAddress = hasOneAddress;
    for (const socket of sockets) {
      socket.on("data", (bytes) => {
        for (let at = bytes.indexOf("HTTP/1.1"); at !== -1; at = bytes.indexOf("HTTP/1.1", at + 8)) this.answered++;
      });
    }
  }

  /** From one address, or each guess from another one, as a proxy would tell it. */
  static async open(port: number, perSecond: number, hasOneAddress: boolean): Promise<GuessLoad> {
    const sockets = Array.from({ length: socketCount }, () => connect(port, "127.0.0.1"));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    return new GuessLoad(sockets, perSecond, hasOneAddress);
  }

  start(): void {
    this.sent = 0;
    this.answered = 0;
    this.#startedAtMs = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#startedAtMs) / 1_000) * this.#perSecond;
      while (this.sent < due) this.#guess();
    }, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  #guess(): void {
    const number = this.sent++;
    const address = this.#hasOneAddress
      ? "203.0.113.1"
      : `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
    const body = JSON.stringify({ account: `person${number}`, password: "correct horse battery" });
    const head = `POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: ${address}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    this.#sockets[number % socketCount]?.write(head + body);
  }
}
