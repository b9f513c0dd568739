import type { Socket } from "node:net";
import { type Disconnect, disconnects } from "@wattboard/protocol";
import type { WebSocket } from "ws";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { Outbox, type OutboxLimits } from "./outbox.ts";

export interface LinkLimits extends OutboxLimits {
  /** Every link is pinged this often, ms: also one that sends all the time, because its peer wants to hear from us too. */
  readonly pingMs: number;
  /** A pinged link that stays silent for this long is cut, ms. */
  readonly pongMsMax: number;
}

/** What a link may send before it costs others: frames of any kind, since pings and empty ones are read too. */
export interface FrameLimit {
  /** Frames a second in the long run. */
  readonly perSecond: number;
  /** Frames at once before that applies. */
  readonly burst: number;
  /** `close` with 1008; or `pause`: nothing more is read until the rate is kept, and the peer has to wait. Who floods pings is closed in any case. */
  readonly above: "close" | "pause";
}

/** How a link ended by itself, for the log and the counters. */
export type LinkEnd = "closed" | "silent" | "slow_reader" | "flooding";

export interface LinkOptions {
  readonly webSocket: WebSocket;
  /** The socket below it: frames that many readers share are written there as they are. */
  readonly socket: Socket;
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  readonly limits: LinkLimits;
  /** A whole text message, UTF-8. Absent: what the peer sends is ignored. */
  readonly onText?: (text: Buffer) => void;
  readonly frameLimit: FrameLimit;
  /** Each time that the limit of frames is passed; with `close` it is followed by the end. */
  readonly onFlood: (consequence: FrameLimit["above"]) => void;
  /** Once, when the socket is gone. `code` is the close code as RFC 6455 tells it (1006: no close frame). */
  readonly onEnd: (end: LinkEnd, code: number) => void;
}

/** A beat that comes so long after the last one says nothing of the peer. */
const lateBeatMs = 2_500;
/** How long the peer may take to answer a close frame before the socket is destroyed, ms. */
const closeMsMax = 2_000;

/** One socket: frames in, frames out, a heartbeat, and an end. It knows nothing of devices. */
export class Link {
  readonly #webSocket: WebSocket;
  readonly #clock: Clock;
  readonly #heartbeat: Heartbeat;
  readonly #limits: LinkLimits;
  readonly #outbox: Outbox;
  readonly #frameLimit: FrameLimit;
  readonly #onFlood: LinkOptions["onFlood"];
  readonly #onEnd: LinkOptions["onEnd"];
  /** Rise by one with each frame, and fall with time: so a frame costs no look at the clock. */
  #frames = 0;
  #controlFrames = 0;
  #beatAtMs: number;
  #pingedAtMs: number;
  /** True from a ping until anything is heard. */
  #isAsked = false;
  #onHeard: (() => void) | null = null;
  #end: LinkEnd = "closed";
  #isFinished = false;
  #cancelTermination: CancelTimer | null = null;

  constructor(options: LinkOptions) {
    const { webSocket, socket, clock, heartbeat, limits, onText } = options;
    this.#webSocket = webSocket;
    this.#clock = clock;
    this.#heartbeat = heartbeat;
    this.#limits = limits;
    this.#outbox = new Outbox(socket, limits);
    this.#frameLimit = options.frameLimit;
    this.#onFlood = options.onFlood;
    this.#onEnd = options.onEnd;
    this.#pingedAtMs = clock.monotonicMs();
    this.#beatAtMs = this.#pingedAtMs;
    heartbeat.add(this);

    // A bad frame (1002, 1007, 1009, too many fragments): `ws` closes the socket itself; "close" follows.
    webSocket.on("error", () => this.#terminateSoon());
    webSocket.on("pong", () => this.#hear(true));
    webSocket.on("ping", () => this.#hear(true));
    webSocket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!this.#hear(false) || onText === undefined) return;
      if (isBinary) this.close(disconnects.binary);
      else onText(data);
    });
    webSocket.once("close", (code: number) => {
      this.#cancelTermination?.();
      this.#finish(code);
    });
  }

  /** Sends a frame that has its header already (see {@link textFrame}); a reader too slow for it is cut. */
  send(frame: Uint8Array): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN && !this.#outbox.write(frame)) this.#cut("slow_reader");
  }

  /** Whether what is sent now may still arrive. */
  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** What the peer has not read yet, bytes. */
  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  /** Ends the link in an orderly way, and in any case within two seconds. Texts that the peer sends until then still come in. */
  close({ code, reason }: Disconnect): void {
    this.#webSocket.close(code, reason);
    this.#terminateSoon();
  }

  /** Destroys the socket at once. */
  terminate(): void {
    this.#webSocket.terminate();
  }

  /** Asks the peer for a sign of life; without one the link is cut after the usual time. */
  probe(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#pingedAtMs = this.#clock.monotonicMs();
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.ping();
  }

  /** Calls back once at the next frame of the peer, which is asked for one if it is silent for a second; a later call takes the place of an earlier one. */
  whenHeard(callback: () => void): void {
    this.#onHeard = callback;
  }

  /** Called about once a second by the heartbeat. */
  beat(nowMs: number): void {
    const { perSecond, burst } = this.#frameLimit;
    const sinceBeatMs = nowMs - this.#beatAtMs;
    const fallen = (sinceBeatMs / 1_000) * perSecond;
    this.#frames = Math.max(0, this.#frames - fallen);
    this.#controlFrames = Math.max(0, this.#controlFrames - fallen);
    this.#beatAtMs = nowMs;
    if (this.#webSocket.isPaused) {
      // What it may have said is not read: its silence says nothing.
      this.#isAsked = false;
      if (this.#frames <= burst) this.#webSocket.resume();
    }
    // The event loop stood still: what the peer has sent and taken meanwhile shows at the next beat.
    if (sinceBeatMs > lateBeatMs) return;
    const sincePingMs = nowMs - this.#pingedAtMs;
    if (this.#outbox.isStalled(nowMs)) this.#cut("slow_reader");
    else if (this.#isAsked && sincePingMs >= this.#limits.pongMsMax) this.#cut("silent");
    else if (sincePingMs >= this.#limits.pingMs || this.#onHeard !== null) this.probe();
  }

  /** Notes a frame; false where it was one too many and the link is over. */
  #hear(isControl: boolean): boolean {
    this.#isAsked = false;
    if (this.#onHeard !== null) this.#tellHeard();
    if (this.#end === "flooding") return false;
    const { burst, above } = this.#frameLimit;
    // Where too many messages have to wait, pings and pongs have a count of their own: a pong behind them must not end the link.
    const frames = isControl && above === "pause" ? ++this.#controlFrames : ++this.#frames;
    if (frames <= burst) return true;
    if (above === "pause" && !isControl) {
      if (this.#webSocket.isPaused) return true;
      this.#onFlood("pause");
      // What has been read with this frame still comes: a few dozen kilobytes.
      this.#webSocket.pause();
      return true;
    }
    this.#onFlood("close");
    this.#end = "flooding";
    this.close(disconnects.flooding);
    // Nobody reads what it still sends, nor its answer to the close. For everyone else it is gone from here on.
    this.#webSocket.pause();
    this.#finish(disconnects.flooding.code);
    return false;
  }

  #tellHeard(): void {
    const callback = this.#onHeard;
    this.#onHeard = null;
    callback?.();
  }

  #finish(code: number): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#heartbeat.remove(this);
    this.#onEnd(this.#end, code);
  }

  #cut(end: LinkEnd): void {
    this.#end = end;
    this.#webSocket.terminate();
  }

  #terminateSoon(): void {
    this.#cancelTermination ??= this.#clock.after(closeMsMax, () => this.#webSocket.terminate());
  }
}
