import { defaultUrl, reconnectAfter, subprotocol, ticketProtocol, webSocketUrl } from "@wattboard/protocol/constants";
import { type Clock, systemClock } from "./clock.ts";
import type { Stream, StreamError, StreamOptions, StreamStatus } from "./stream.ts";

const retryMsMin = 500;
const retryMsMax = 30_000;
/** A connection that was open for as long as this ends the backoff. */
const stableMs = 10_000;
const handshakeMsMax = 20_000;
/** Why a try failed is asked for so long, ms. */
const reasonMsMax = 5_000;
/** The server sends beats every 10 s: a connection on which nothing came for so long is dead, ms. */
const silentMsMax = 25_000;

/** What is listened to. */
interface Target {
  readonly path: string;
  /** Null: the fleet. */
  readonly deviceId: string | null;
  /** What is added to the address of the next connection. */
  readonly query?: () => string;
  readonly onConnect?: () => void;
}

/** One address that is listened to until `close`, over as many sockets as it takes. Never throws once it is made. */
export class LiveSocket implements Stream {
  readonly clock: Clock;
  /** Without the query. */
  readonly address: string;
  readonly #options: StreamOptions;
  readonly #onText: (text: string) => void;
  readonly #onConnect: () => void;
  readonly #deviceId: string | null;
  readonly #query: () => string;
  readonly #random: () => number;
  #status: StreamStatus = "CONNECTING";
  #socket: WebSocket | undefined;
  #timer: unknown;
  #silenceTimer: unknown;
  #heardAtMs = 0;
  #failures = 0;
  #attempt = 0;
  #closed = false;

  constructor(
    { path, deviceId, query = () => "", onConnect = () => {} }: Target,
    options: StreamOptions,
    onText: (text: string) => void,
  ) {
    if (options.token !== undefined && options.createSocket === undefined) {
      throw new TypeError("A page's WebSocket cannot send a token; pages of other sites come in by a `ticket`.");
    }
    this.address = webSocketUrl(options.url ?? pageOrigin() ?? defaultUrl, path);
    this.#options = options;
    this.#onText = onText;
    this.#onConnect = onConnect;
    this.#deviceId = deviceId;
    this.#query = query;
    this.clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    // In a later turn, so that no callback runs before the caller holds the stream.
    this.#timer = this.clock.setTimeout(this.#connect, 0);
  }

  get status(): StreamStatus {
    return this.#status;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
    this.#become("CLOSED");
  }

  /** There was a beat: from here on silence means that the connection is dead. Servers that send none are listened to for ever. */
  heardBeat(): void {
    this.#silenceTimer ??= this.clock.setTimeout(this.#checkSilence, silentMsMax);
  }

  readonly #checkSilence = (): void => {
    const silentMs = this.clock.monotonicMs() - this.#heardAtMs;
    if (silentMs < silentMsMax) this.#silenceTimer = this.clock.setTimeout(this.#checkSilence, silentMsMax - silentMs);
    else this.end("It was silent.");
  };

  report(code: StreamError["code"], message: string, refusal?: string): void {
    if (!this.#closed) this.#options.onError?.({ code, message, ...(refusal !== undefined && { refusal }) });
  }

  readonly #connect = (): void => {
    this.#become("CONNECTING");
    // A callback may have closed the stream.
    if (this.#closed) return;
    const attempt = ++this.#attempt;
    this.#timer = this.clock.setTimeout(() => this.end("No answer in time."), handshakeMsMax);
    const { ticket } = this.#options;
    if (ticket === undefined) {
      this.#open([subprotocol]);
      return;
    }
    const isCurrent = () => attempt === this.#attempt && !this.#closed && this.#status === "CONNECTING";
    ticket(this.#deviceId).then(
      (secret) => isCurrent() && this.#open([subprotocol, ticketProtocol + secret]),
      (error) => isCurrent() && this.end(`There is no ticket: ${error}`),
    );
  };

  #open(protocols: readonly string[]): void {
    let socket: WebSocket;
    try {
      const { createSocket = (address, ...offered) => new WebSocket(address, offered) } = this.#options;
      socket = createSocket(this.address + this.#query(), ...protocols);
    } catch (error) {
      // An address that is none, or one that a secure page may not reach (ws from https).
      this.end(String(error));
      return;
    }
    this.#socket = socket;
    // A socket that is not the present one any more has nothing to say: its late events are let go.
    socket.addEventListener("open", () => {
      if (socket === this.#socket) this.#opened();
    });
    socket.addEventListener("message", ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heardAtMs = this.clock.monotonicMs();
      if (typeof data === "string") this.#onText(data);
      else this.report("malformed_frame", "The frame is binary.");
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.end("", reconnectAfter(code));
    });
    // Not every implementation lets a close follow on a try that failed.
    socket.addEventListener("error", () => {
      if (socket === this.#socket) this.end();
    });
  }

  #opened(): void {
    this.clock.clearTimeout(this.#timer);
    this.#timer = this.clock.setTimeout(() => {
      this.#failures = 0;
    }, stableMs);
    this.#onConnect();
    this.#become("OPEN");
  }

  /** Ends the connection, or notes its end; the next one follows. */
  end(why = "", reconnect: ReturnType<typeof reconnectAfter> = null): void {
    const wasOpen = this.#status === "OPEN";
    this.#release();
    const boundMs = Math.min(retryMsMax, 2 * retryMsMin * 2 ** this.#failures++);
    const randomMs = this.#random() * boundMs;
    // The server's word goes over ours; who is never to come again tries as seldom as that.
    const delayMs = reconnect === "later" || reconnect === "never" ? retryMsMax * (1 + this.#random()) : randomMs;
    this.#timer = this.clock.setTimeout(this.#connect, Math.max(retryMsMin, delayMs));
    this.#become("CLOSED");
    if (this.#closed) return;
    if (wasOpen) this.report("lost", `The connection to ${this.address} was lost. ${why}`.trimEnd());
    else if (why !== "" || this.#options.ticket !== undefined) this.#reportUnreachable(why);
    // With a ticket there is nobody to ask as: it has no second use.
    else void this.#reportRefusal();
  }

  /** A browser does not tell its page how a handshake was answered: a plain request to the same address is answered with the reason. */
  async #reportRefusal(): Promise<void> {
    const { token } = this.#options;
    try {
      const answer = await fetch(this.address.replace(/^ws/, "http"), {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(reasonMsMax),
      });
      const { code, detail } = (await answer.json()) as { readonly code?: unknown; readonly detail?: unknown };
      if (code === "upgrade_required") this.#reportUnreachable("Does a proxy in between pass on WebSockets?");
      else if (typeof code === "string") this.report("refused", `${this.address}: ${detail}`, code);
      else this.#reportUnreachable("");
    } catch {
      // It cannot be asked either, or what answers is no Wattboard.
      this.#reportUnreachable("");
    }
  }

  #reportUnreachable(why: string): void {
    // The next try may have been faster than the answer.
    if (this.#status === "OPEN") return;
    this.report("unreachable", `${this.address} could not be reached, or refuses us. ${why}`.trimEnd());
  }

  #release(): void {
    this.clock.clearTimeout(this.#timer);
    this.clock.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = undefined;
    const socket = this.#socket;
    // First, since closing a socket that is connecting may tell its end within the call.
    this.#socket = undefined;
    socket?.close(1000);
  }

  #become(status: StreamStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}

function pageOrigin(): string | undefined {
  const origin = globalThis.location?.origin;
  // A page opened from a file has the origin "null".
  return origin?.startsWith("http") ? origin : undefined;
}
