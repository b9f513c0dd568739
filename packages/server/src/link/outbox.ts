import type { Socket } from "node:net";

export interface OutboxLimits {
  /** Bytes that may wait for a slow reader; one more frame above it and the link is cut. */
  readonly outboxBytesMax: number;
  /** How long a reader may take nothing while something waits, in ms; longer and the link is cut. */
  readonly outboxStalledMsMax: number;
}

/** What waits for one reader. It is the socket's own queue, watched: frames are written at once, and a reader that does not keep up is given up. */
export class Outbox {
  readonly #socket: Socket;
  readonly #limits: OutboxLimits;
  #takenBytes = 0;
  #takenAtMs: number | null = null;

  constructor(socket: Socket, limits: OutboxLimits) {
    this.#socket = socket;
    this.#limits = limits;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Writes a frame (already with its header). False: the reader is too slow, and the frame was not taken. */
  write(frame: Uint8Array): boolean {
    if (this.#socket.writableLength + frame.length > this.#limits.outboxBytesMax) return false;
    if (this.#socket.writable) this.#socket.write(frame);
    return true;
  }

  /** Whether the reader has taken nothing for too long. Ask about once a second. */
  isStalled(nowMs: number): boolean {
    const waitingBytes = this.#socket.writableLength;
    if (waitingBytes === 0) {
      this.#takenAtMs = null;
      return false;
    }
    const takenBytes = this.#socket.bytesWritten - waitingBytes;
    if (this.#takenAtMs === null || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#takenAtMs = nowMs;
    }
    return nowMs - this.#takenAtMs >= this.#limits.outboxStalledMsMax;
  }
}
