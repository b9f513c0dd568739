import { createStream, type RotatingFileStream } from "rotating-file-stream";
import type { CancelTimer, Clock } from "../base/clock.ts";

export interface GeneralLogOptions {
  /** Folder of `general.log` and `general.log.1`. */
  readonly folder: string;
  /** Both files together hold at most so many bytes; then the older half goes. */
  readonly bytesMax: number;
  /** The file cannot be written: nothing more is logged here. */
  readonly onError: (error: Error) => void;
}

const writeMs = 250;
/** Messages that wait to be written; more are left out, and counted in the file. */
const waitingBytesMax = 1024 * 1024;
/** Bytes of one line; the rest of a longer one is cut off. */
const lineBytesMax = 64 * 1024;

interface Line {
  readonly atMs: number;
  readonly door: string;
  readonly from: string;
  readonly frame: Buffer;
}

/**
 * SMART-OS's `general.log`: every message towards the server, a line each, the latest megabyte of them. Who logs only puts a frame into a
 * bounded list; redacting and writing happen later, in pieces, and a disk that does not keep up costs lines and nothing else.
 */
export class GeneralLog {
  readonly #clock: Clock;
  readonly #options: GeneralLogOptions;
  #stream: RotatingFileStream;
  readonly #stopTimer: CancelTimer;
  #waiting: Line[] = [];
  #waitingBytes = 0;
  #leftOut = 0;
  #isBroken = false;

  constructor(clock: Clock, options: GeneralLogOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#stream = this.#open();
    this.#stopTimer = clock.every(writeMs, () => this.#write());
  }

  /** `frame` must not be written to any more. */
  note(door: string, from: string, frame: Buffer): void {
    if (this.#isBroken || this.#waitingBytes + frame.length > waitingBytesMax) {
      this.#leftOut++;
      return;
    }
    this.#waitingBytes += frame.length;
    this.#waiting.push({ atMs: this.#clock.wallMs(), door, from, frame });
  }

  /** Goes on in the file that stands under the name now: somebody has moved the old one away, or made room on the disk. */
  reopen(): void {
    this.#write();
    this.#stream.end();
    this.#isBroken = false;
    this.#stream = this.#open();
  }

  /** Writes what waits, and ends. */
  close(): Promise<void> {
    this.#stopTimer();
    this.#write();
    if (this.#isBroken) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.once("error", () => resolve());
      this.#stream.end(() => resolve());
    });
  }

  #open(): RotatingFileStream {
    const { folder, bytesMax, onError } = this.#options;
    // Two files, of which the live one passes its size by one line at most.
    const size = Math.floor(bytesMax / 2) - lineBytesMax;
    const stream = createStream("general.log", { path: folder, size: `${size}B`, rotate: 1, mode: 0o600 });
    stream.on("error", (error: Error) => {
      // Of one that was given up for a new one nobody needs to know.
      if (stream !== this.#stream) return;
      this.#isBroken = true;
      onError(error);
    });
    return stream;
  }

  #write(): void {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#isBroken) return;
    for (const { atMs, door, from, frame } of lines) {
      if (this.#stream.writableLength > waitingBytesMax) this.#leftOut++;
      else this.#stream.write(`${new Date(atMs).toISOString()} ${door} ${from} ${readable(frame)}\n`);
    }
    if (this.#leftOut === 0 || this.#stream.writableLength > waitingBytesMax) return;
    this.#stream.write(`${new Date(this.#clock.wallMs()).toISOString()} (${this.#leftOut} messages left out)\n`);
    this.#leftOut = 0;
  }
}

/** Wattboard's own tokens, whatever a header would carry, and the values of names under which people put secrets, however deep the quotes are escaped. */
const secrets = [
  [/wb_[A-Za-z0-9]{8,}/g, "wb_***"],
  [/(bearer\s+)[^\s"'\\]+/gi, "$1***"],
  [/((?:token|passwd|password|secret|api_?key|authorization)\w*\\*["']\s*:\s*(\\*["']))(?:(?!\2).)*/gi, "$1***"],
] as const;

/** One line, without secrets and without anything that a terminal would obey. */
function readable(frame: Buffer): string {
  let text = frame.toString();
  for (const [pattern, shown] of secrets) text = text.replace(pattern, shown);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  text = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (each) => JSON.stringify(each).slice(1, -1));
  // A character has at most three bytes here, and the line a head.
  return text.slice(0, lineBytesMax / 4);
}
