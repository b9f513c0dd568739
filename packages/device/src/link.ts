import type { Clock } from "./clock.ts";
import type { DeviceStatus } from "./device.ts";
import type { Notices } from "./notices.ts";
import { type Outage, outageOfAnswer, outageOfClose } from "./outage.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { Connection, ConnectionEvents, Transport } from "./transport.ts";

/** From the start of a try to the open link: name look-up, TCP, TLS and the server's answer. */
const handshakeMsMax = 20_000;
/** The server pings every 25 s: two lost pings and some. */
const silenceMsMax = 60_000;
/** A link that was up for as long as this ends the backoff. */
const stableMs = 60_000;
/** How long the server has to answer our close before the connection is cut. */
const closeMsMax = 2_000;

export interface LinkOptions {
  readonly deviceId: string;
  /** The server's name, for messages. */
  readonly host: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly transport: Transport;
  readonly notices: Notices;
  readonly hooks: LinkHooks;
}

interface LinkHooks {
  /** Told each change of the status. Ends with `stopped`, once nothing is left running. */
  became(status: DeviceStatus): void;
  /** There is a new link; its status has been told. */
  opened(): void;
  /** A frame of the server; null where it is binary. None comes after `stop`. */
  received(text: string | null): void;
  /** The token was refused; gives whether there is another to be tried. */
  refused(): boolean;
  /** The link that was opened, or was to be, is gone. */
  closed(): void;
}

/** Keeps one connection to the server up: tries again for ever, and ends one that has gone silent. */
export class Link {
  status: DeviceStatus = { state: "connecting" };

  readonly #options: LinkOptions;
  readonly #clock: Clock;
  #connection: Connection | undefined;
  #isStopping = false;
  /** Why the present connection ends, where we know better than its close code. */
  #outage: Outage | undefined;
  #failures = 0;
  #openedAtMs = 0;
  /** When something of the server came last on the present link, pings included; by the monotonic clock. */
  heardAtMs = 0;
  /**
   * One timer, since one thing is waited for at a time: the handshake, a sign of life, the next try, or the closing. It keeps the
   * process alive just as the socket does.
   */
  #timer: unknown;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  start(): void {
    this.#connect();
  }

  stop(): void {
    this.#isStopping = true;
    this.#clock.clearTimeout(this.#timer);
    const connection = this.#connection;
    if (connection === undefined) this.#become({ state: "stopped" });
    else if (this.status.state === "connecting") connection.cut();
    else {
      connection.close(1000, "stopped");
      this.#timer = this.#clock.setTimeout(this.#cut, closeMsMax);
    }
  }

  /** What takes samples now; undefined while there is no link. */
  get connection(): Connection | undefined {
    return this.status.state === "online" && this.#connection?.isOpen ? this.#connection : undefined;
  }

  /** Sends a frame of the subprotocol; false where the link is not there, does not speak it, or is being stopped. */
  sendFrame(frame: object): boolean {
    const connection = this.#connection;
    if (!connection?.isOpen || !connection.speaksSubprotocol || this.#isStopping) return false;
    connection.send(JSON.stringify(frame));
    return true;
  }

  // All handlers are fields, bound once: a frame, a ping or a retry creates no closure.

  readonly #connect = (): void => {
    this.#outage = undefined;
    this.#timer = this.#clock.setTimeout(this.#onHandshakeTimeout, handshakeMsMax);
    this.#connection = this.#options.transport(this.#events);
    this.#become({ state: "connecting" });
  };

  readonly #onHandshakeTimeout = (): void => {
    this.#cutBecause({ code: "unreachable", message: `No answer in ${handshakeMsMax / 1000} s.` });
  };

  readonly #events: ConnectionEvents = {
    opened: () => {
      this.#openedAtMs = this.heardAtMs = this.#clock.monotonicMs();
      this.#clock.clearTimeout(this.#timer);
      this.#timer = this.#clock.setTimeout(this.#checkSilence, silenceMsMax);
      this.#options.notices.tell("info", "online", `Connected to ${this.#options.host}.`);
      this.#become({ state: "online" });
      if (!this.#isStopping) this.#options.hooks.opened();
    },
    received: (text) => {
      this.heardAtMs = this.#clock.monotonicMs();
      if (!this.#isStopping) this.#options.hooks.received(text);
    },
    pinged: () => {
      this.heardAtMs = this.#clock.monotonicMs();
    },
    refused: (status, retryAfter) => {
      const { host, deviceId } = this.#options;
      const outage = outageOfAnswer({ host, deviceId, status, retryAfter, nowMs: this.#clock.now() });
      const hasAnother = outage.code === "forbidden" && this.#options.hooks.refused();
      const message = `${host} refused the token (HTTP ${status}): the other one is tried.`;
      this.#cutBecause(hasAnother ? { code: "closed", message, reconnect: "soon" } : outage);
    },
    failed: (message) => {
      this.#outage ??= { code: this.status.state === "online" ? "closed" : "unreachable", message };
    },
    closed: (code, reason) => {
      this.#connection = undefined;
      this.#clock.clearTimeout(this.#timer);
      this.#options.hooks.closed();
      if (this.#isStopping) this.#become({ state: "stopped" });
      else this.#retry(this.#outage ?? outageOfClose(code, reason));
    },
  };

  #retry(outage: Outage): void {
    const wasOnline = this.status.state === "online";
    if (wasOnline && this.#clock.monotonicMs() - this.#openedAtMs >= stableMs) this.#failures = 0;
    const retryInMs = retryDelayMs(outage, this.#failures++, this.#options.random);
    this.#timer = this.#clock.setTimeout(this.#connect, retryInMs);
    const seconds = Math.round(retryInMs / 1000);
    const level = outage.code === "forbidden" || outage.code === "unexpected_answer" ? "error" : "warn";
    this.#options.notices.tell(level, "outage", `${outage.message} Next try in ${seconds} s.`);
    this.#become({ state: "waiting", outage, retryInMs });
  }

  /** Looks up rarely instead of resetting a timer with every frame. */
  readonly #checkSilence = (): void => {
    const leftMs = this.heardAtMs + silenceMsMax - this.#clock.monotonicMs();
    if (leftMs > 0) this.#timer = this.#clock.setTimeout(this.#checkSilence, leftMs);
    else this.#cutBecause({ code: "silent", message: `Nothing heard from the server for ${silenceMsMax / 1000} s.` });
  };

  #cutBecause(outage: Outage): void {
    this.#outage = outage;
    this.#cut();
  }

  /** `closed` follows, on every path. */
  readonly #cut = (): void => {
    this.#connection?.cut();
  };

  #become(status: DeviceStatus): void {
    this.status = status;
    this.#options.hooks.became(status);
  }
}
