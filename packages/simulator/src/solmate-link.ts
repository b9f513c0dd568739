import type { Clock } from "@wattboard/device";
import { WebSocket } from "ws";
import type { SolMate } from "./solmate.ts";

/** What happened to all links of a fleet together; only ever grows. */
export interface SolMateCounters {
  sent: number;
  ok: number;
  errors: number;
  /** Messages that were not answered in time. */
  unanswered: number;
  /** Handshakes that the server answered with a refusal. */
  refused: number;
  /** Commands that came and were answered, carried out or not. */
  commands: number;
}

export interface SolMateLinkOptions {
  readonly address: URL;
  /** For a server that asks SolMates for tokens too. */
  readonly token?: string | undefined;
  readonly clock: Clock;
  readonly counters: SolMateCounters;
  /** Why a link ended or did not come about, or what the server does not like, in words. */
  readonly onTrouble: (trouble: string) => void;
}

const answerMsMax = 5_000;
/** A server that has not answered so many messages in a row is no longer there: the link is cut, and tried anew. */
const unansweredInRowMax = 3;
/** Up to a second more, so that a fleet does not come back as one. */
const reconnectMs = 5_000;
const reconnectSpreadMs = 1_000;
const handshakeMsMax = 20_000;
const closeMsMax = 2_000;
/** An answer has some fifty bytes; a frame above this ends the link. */
const frameBytesMax = 64 * 1024;

/**
 * Keeps one SolMate connected as `solmate.py` does: no subprotocol, one message on its way at a time, an answer awaited for 5 s, a new try
 * 5 s after a loss. What changes meanwhile goes out with the next message, so that nothing piles up.
 */
export class SolMateLink {
  readonly #solmate: SolMate;
  readonly #options: SolMateLinkOptions;
  #socket: WebSocket | undefined;
  /** The head of the message whose answer is awaited. */
  #awaited: string | undefined;
  #unansweredInRow = 0;
  /** Why the present socket ends, where we know better than its close code. */
  #outage: string | undefined;
  /** The next try, or the end of the closing. */
  #linkTimer: unknown;
  #answerTimer: unknown;
  #changeTimer: unknown;
  #stopping = false;
  #resolveStopped: () => void = () => {};
  readonly #stopped = new Promise<void>((resolve) => {
    this.#resolveStopped = resolve;
  });

  constructor(solmate: SolMate, options: SolMateLinkOptions) {
    this.#solmate = solmate;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  start(): void {
    this.#connect();
  }

  /** Closes the link, ends all timers, and resolves when nothing is left running. */
  stop(): Promise<void> {
    if (this.#stopping) return this.#stopped;
    this.#stopping = true;
    const { clock } = this.#options;
    for (const timer of [this.#linkTimer, this.#answerTimer, this.#changeTimer]) clock.clearTimeout(timer);
    const socket = this.#socket;
    if (socket === undefined) this.#resolveStopped();
    else if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
    else {
      socket.close(1000);
      this.#linkTimer = clock.setTimeout(this.#cut, closeMsMax);
    }
    return this.#stopped;
  }

  readonly #connect = (): void => {
    const { address, token, counters } = this.#options;
    this.#outage = undefined;
    const socket = new WebSocket(address, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      handshakeTimeout: handshakeMsMax,
      maxPayload: frameBytesMax,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on("open", this.#onOpen);
    socket.on("message", this.#onMessage);
    socket.on("close", this.#onClose);
    // Where several addresses were tried (IPv4, IPv6), Node's error has a code and no text.
    socket.on("error", (error: Error & { code?: string }) => {
      this.#outage ??= error.message || error.code || "The connection failed.";
    });
    socket.on("unexpected-response", (_request, response) => {
      counters.refused++;
      this.#outage = whyRefused(response.statusCode ?? 0, address);
      socket.terminate();
    });
  };

  readonly #onOpen = (): void => {
    this.#unansweredInRow = 0;
    this.#solmate.linked();
    this.#publish();
    // Its life begins with its first link, so that the same seed begins the same, however long that took.
    if (this.#changeTimer === undefined) this.#sleep();
  };

  readonly #onClose = (code: number, reason: Buffer): void => {
    const { clock, onTrouble } = this.#options;
    this.#socket = undefined;
    this.#settle(false);
    clock.clearTimeout(this.#linkTimer);
    if (this.#stopping) {
      this.#resolveStopped();
      return;
    }
    onTrouble(this.#outage ?? whyClosed(code, reason.toString()));
    this.#linkTimer = clock.setTimeout(this.#connect, reconnectMs + Math.random() * reconnectSpreadMs);
  };

  readonly #cut = (): void => {
    this.#socket?.terminate();
  };

  // Values

  #sleep(): void {
    this.#changeTimer = this.#options.clock.setTimeout(this.#change, this.#solmate.sleepMs());
  }

  readonly #change = (): void => {
    this.#sleep();
    this.#solmate.change();
    this.#publish();
  };

  // Messages

  #publish(): void {
    const { clock, address, counters } = this.#options;
    const socket = this.#socket;
    if (this.#awaited !== undefined || socket?.readyState !== WebSocket.OPEN || this.#stopping) return;
    const message = this.#solmate.nextMessage(new Date(clock.now()), address.href);
    if (message === null) return;
    socket.send(message.text);
    counters.sent++;
    this.#awaited = message.head;
    this.#answerTimer = clock.setTimeout(this.#onNoAnswer, answerMsMax);
  }

  readonly #onMessage = (data: Buffer): void => {
    const { counters, onTrouble } = this.#options;
    const { type, message: text } = readFrame(data.toString());
    if (type === "CMND") this.#onCommand(text);
    if (type !== "INFO" || this.#awaited === undefined || !text.startsWith(`${this.#awaited}:`)) return;
    const isOk = text === `${this.#awaited}:OK`;
    this.#unansweredInRow = 0;
    this.#settle(isOk);
    if (isOk) {
      counters.ok++;
      // What has changed meanwhile need not wait for the next change.
      this.#publish();
    } else {
      counters.errors++;
      onTrouble(`The server answers ERROR to ${this.#solmate.serial}: is this serial number registered there?`);
    }
  };

  #onCommand(message: string): void {
    const { clock, counters } = this.#options;
    if (!this.#solmate.command(parseAnswer(message.slice(message.indexOf("{"))), clock.now())) return;
    counters.commands++;
    this.#publish();
  }

  readonly #onNoAnswer = (): void => {
    this.#options.counters.unanswered++;
    this.#settle(false);
    if (++this.#unansweredInRow < unansweredInRowMax) return;
    this.#outage = `The server has not answered ${unansweredInRowMax} messages in a row.`;
    this.#cut();
  };

  #settle(isOk: boolean): void {
    if (this.#awaited === undefined) return;
    this.#awaited = undefined;
    this.#options.clock.clearTimeout(this.#answerTimer);
    this.#solmate.answered(isOk);
  }
}

/** Both empty where it is no frame of the dialect. */
function readFrame(frame: string): { readonly type: string; readonly message: string } {
  const { type, message } = (parseAnswer(frame) ?? {}) as { type?: unknown; message?: unknown };
  return typeof type === "string" && typeof message === "string" ? { type, message } : { type: "", message: "" };
}

/** Undefined where the text is not JSON. */
function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function whyClosed(code: number, reason: string): string {
  if (code === 1006) return "The connection was lost.";
  return `The server ended the link (${code}${reason === "" ? "" : ` ${reason}`}).`;
}

function whyRefused(status: number, { host }: URL): string {
  if (status === 401 || status === 403 || status === 404) {
    return `${host} lets no SolMate in (HTTP ${status}): its setting smart_os.access must be open, or token and each device bring its own.`;
  }
  return `${host} answers HTTP ${status}.`;
}
