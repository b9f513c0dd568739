import { createStream, type RotatingFileStream } from "rotating-file-stream";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { escapeControls } from "../base/escape-controls.ts";
import { inTimeSlices } from "../base/time-slices.ts";
import type { Log } from "./log.ts";
import { redactSecrets } from "./redact-secrets.ts";

export interface GeneralLogOptions {
  /** Folder of `general.log` and `general.log.1`. */
  readonly folder: string;
  /** Both files together hold at most so many bytes; then the older half goes. */
  readonly bytesMax: number;
  /** Told that the file cannot be written, and that nothing more is logged there. */
  readonly log: Log;
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
 * bounded list; redacting and writing happen later, in slices of the event loop's turns, and a disk that does not keep up costs lines and nothing else.
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
  /** Null: nothing is being written. */
  #writing: Promise<void> | null = null;

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
  async close(): Promise<void> {
    this.#stopTimer();
    await this.#writing;
    this.#write();
    await this.#writing;
    if (this.#isBroken) return;
    await new Promise<void>((resolve) => {
      this.#stream.once("error", () => resolve());
      this.#stream.end(() => resolve());
    });
  }

  #open(): RotatingFileStream {
    const { folder, bytesMax, log } = this.#options;
    // Two files, of which the live one passes its size by one line at most.
    const size = Math.floor(bytesMax / 2) - lineBytesMax;
    const stream = createStream("general.log", { path: folder, size: `${size}B`, rotate: 1, mode: 0o600 });
    stream.on("error", (error: Error) => {
      // Of one that was given up for a new one nobody needs to know.
      if (stream !== this.#stream) return;
      this.#isBroken = true;
      log.error({ err: error }, "general.log cannot be written, and ends here");
    });
    return stream;
  }

  #write(): void {
    if (this.#writing !== null || this.#isBroken) return;
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (lines.length === 0 && this.#leftOut === 0) return;
    this.#writing = inTimeSlices(this.#writeLines(lines)).finally(() => {
      this.#writing = null;
    });
  }

  *#writeLines(lines: readonly Line[]): Generator<void, void> {
    for (const { atMs, door, from, frame } of lines) {
      if (this.#isBroken) return;
      if (this.#stream.writableLength > waitingBytesMax) this.#leftOut++;
      else this.#stream.write(`${new Date(atMs).toISOString()} ${door} ${from} ${readable(frame)}\n`);
      yield;
    }
    if (this.#leftOut === 0 || this.#stream.writableLength > waitingBytesMax) return;
    this.#stream.write(`${new Date(this.#clock.wallMs()).toISOString()} (${this.#leftOut} messages left out)\n`);
    this.#leftOut = 0;
  }
}

/** One line, without secrets and without anything that a terminal would obey. */
function readable(frame: Buffer): string {
  // A character has at most three bytes here, and the line a head.
  return escapeControls(redactSecrets(frame.toString())).slice(0, lineBytesMax / 4);
}
