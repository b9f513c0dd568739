import type { IncomingMessage } from "node:http";
import {
  type Announcement,
  type Command,
  type Deadline,
  type DeviceFrame,
  disconnects,
  limits,
  type PeersFrame,
  subprotocol,
  type Welcome,
} from "@wattboard/protocol";
import { commandValidator } from "@wattboard/protocol/validate";
import { WebSocket } from "ws";
import { type Clock, systemClock } from "./clock.ts";
import { CommandInbox } from "./command-inbox.ts";
import type { Device, DeviceCounters, DeviceStatus } from "./device.ts";
import type { DeviceNotice, DeviceOptions, NoticeCode } from "./device-options.ts";
import type { Outage } from "./outage.ts";
import { type PeerHandlers, PeerInbox, type PeerSample } from "./peer-inbox.ts";
import { type Resolved, resolveOptions } from "./resolve-options.ts";
import { parseRetryAfter, retryDelayMs } from "./retry-delay.ts";
import type { Sample } from "./sample.ts";

/** From the start of a try to the open link: name look-up, TCP, TLS and the server's answer. */
const handshakeMsMax = 20_000;
/** The server pings every 25 s: two lost pings and some. */
const silenceMsMax = 60_000;
/** A link that was up for as long as this ends the backoff. */
const stableMs = 60_000;
/** How long the server has to answer our close before the socket is cut. */
const closeMsMax = 2_000;
/** With more than this waiting in the socket, samples are dropped: they would only be old when they arrive. */
const waitingBytesMax = 256 * 1024;
/** A command is some hundred bytes; a frame above this ends the link. */
const commandBytesMax = 64 * 1024;
/** A notice that could come with every sample comes at most once in this time. */
const noticeEveryMs = 10_000;

/**
 * Connects a device and keeps it connected. Returns at once; the first link opens in the background.
 * @throws DeviceConfigurationError which names everything that is missing or wrong in the options
 */
export function connectDevice(options: DeviceOptions = {}): Device {
  const device = new ConnectedDevice(options, resolveOptions(options));
  device.start();
  return device;
}

/** All handlers are fields, bound once: a message, a tick or a retry creates no closure. */
class ConnectedDevice implements Device {
  readonly deviceId: string;
  readonly stopped: Promise<void>;
  readonly counters: DeviceCounters = {
    links: 0,
    sent: 0,
    skippedOffline: 0,
    skippedCongested: 0,
    skippedTooBig: 0,
    skippedReading: 0,
    readFailures: 0,
    commands: 0,
    commandFailures: 0,
    malformedFrames: 0,
    peerSamples: 0,
  };
  status: DeviceStatus = { state: "connecting" };

  readonly #options: DeviceOptions;
  readonly #resolved: Resolved;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #announcement: Announcement;
  readonly #inbox: CommandInbox;
  readonly #peers: PeerInbox;
  #resolveStopped: () => void = () => {};
  #stopping = false;

  #socket: WebSocket | undefined;
  /** Why the present socket ends, where we know better than its close code. */
  #outage: Outage | undefined;
  #failures = 0;
  #openedAtMs = 0;
  #heardAtMs = 0;
  /**
   * One timer, since one thing is waited for at a time: the handshake, a sign of life, the next try, or the closing. It keeps the
   * process alive just as the socket does.
   */
  #timer: unknown;

  #sampleTimer: unknown;
  #sampleDueMs = 0;
  #reading = false;
  readonly #noticedAtMs: Partial<Record<NoticeCode, number>> = {};

  constructor(options: DeviceOptions, resolved: Resolved) {
    this.#options = options;
    this.#resolved = resolved;
    this.deviceId = resolved.deviceId;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#announcement =
      options.announcement ?? (options.onCommand === undefined ? { commands: {} } : plainAnnouncement);
    this.#inbox = new CommandInbox(this.#clock, this.#announcement, options.onCommand, options.commandMemory, {
      send: (result) => this.#sendFrame(result),
      began: () => this.counters.commands++,
      failed: this.#onCommandFailed,
      leaseEnded: ({ command_id }) =>
        this.#notice("warn", "lease_ended", `The lease of ${command_id} has ended: back to AUTO.`),
    });
    this.#peers = new PeerInbox({
      ask: (isWanted) => this.#sendFrame({ type: "peers", subscribe: isWanted }),
      refused: (reason) => this.#noticeSometimes("warn", "peers_refused", `No samples of other devices: ${reason}`),
      failed: (handler, error) => this.#noticeSometimes("error", "callback_failed", `${handler} failed.`, error),
    });
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  start(): void {
    const { address } = this.#resolved;
    if (address.protocol === "ws:" && !isLoopback(address.hostname)) {
      this.#notice("warn", "plain_text_token", `The token goes to ${address.host} in the clear: use https or wss.`);
    }
    const { signal } = this.#options;
    if (signal?.aborted) {
      void this.stop();
      return;
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#connect();
  }

  send(sample: Sample): boolean {
    const socket = this.#socket;
    if (this.status.state !== "online" || socket?.readyState !== WebSocket.OPEN) {
      this.counters.skippedOffline++;
      return false;
    }
    if (socket.bufferedAmount > waitingBytesMax) {
      this.counters.skippedCongested++;
      this.#noticeSometimes(
        "warn",
        "congested",
        "The link does not take samples as fast as they come; some are dropped.",
      );
      return false;
    }
    const message = { device_id: this.deviceId, timestamp: new Date(this.#clock.now()).toISOString(), ...sample };
    // A sample copied from another device's message must not speak for that one.
    message.device_id = this.deviceId;
    const text = JSON.stringify(message);
    if (text.length > limits.frameBytesMax || Buffer.byteLength(text) > limits.frameBytesMax) {
      this.counters.skippedTooBig++;
      this.#noticeSometimes(
        "error",
        "sample_too_big",
        `A sample has more than ${limits.frameBytesMax} bytes; dropped.`,
      );
      return false;
    }
    socket.send(text);
    this.counters.sent++;
    return true;
  }

  subscribePeers(handlers: PeerHandlers): () => void {
    return this.#peers.subscribe(handlers);
  }

  stop(): Promise<void> {
    if (this.#stopping) return this.stopped;
    this.#stopping = true;
    this.#inbox.stop();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#sampleTimer);
    const socket = this.#socket;
    if (socket === undefined) this.#finish();
    else if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
    else {
      socket.close(1000, "stopped");
      this.#timer = this.#clock.setTimeout(this.#cut, closeMsMax);
    }
    return this.stopped;
  }

  readonly #onAbort = (): void => {
    void this.stop();
  };

  // The link

  readonly #connect = (): void => {
    const { address, token } = this.#resolved;
    this.#outage = undefined;
    this.#timer = this.#clock.setTimeout(this.#onHandshakeTimeout, handshakeMsMax);
    const socket = new WebSocket(address, subprotocol, {
      headers: { authorization: `Bearer ${token}` },
      maxPayload: commandBytesMax,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on("open", this.#onOpen);
    socket.on("message", this.#onMessage);
    socket.on("ping", this.#onPing);
    socket.on("unexpected-response", this.#onUnexpectedResponse);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    this.#become({ state: "connecting" });
  };

  readonly #onHandshakeTimeout = (): void => {
    this.#cutBecause({ code: "unreachable", message: `No answer in ${handshakeMsMax / 1000} s.` });
  };

  readonly #onUnexpectedResponse = (_request: unknown, response: IncomingMessage): void => {
    this.#cutBecause(this.#outageOfAnswer(response));
  };

  readonly #onError = (error: Error & { code?: string }): void => {
    // Where several addresses were tried (IPv4, IPv6), Node's error has a code and no text.
    const message = error.message || error.code || "The connection failed.";
    this.#outage ??= { code: this.status.state === "online" ? "closed" : "unreachable", message };
  };

  readonly #onOpen = (): void => {
    this.counters.links++;
    this.#openedAtMs = this.#heardAtMs = this.#clock.monotonicMs();
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(this.#checkSilence, silenceMsMax);
    this.#notice("info", "online", `Connected to ${this.#resolved.address.host}.`);
    this.#become({ state: "online" });
    if (this.#socket?.protocol === subprotocol) {
      this.#sendFrame({ type: "hello", ...this.#announcement });
      this.#inbox.linked();
    }
    this.#peers.linked();
    if (this.#options.read !== undefined && !this.#stopping) {
      this.#sampleDueMs = this.#openedAtMs;
      this.#tick();
    }
  };

  readonly #onPing = (): void => {
    this.#heardAtMs = this.#clock.monotonicMs();
  };

  /** Looks up rarely instead of resetting a timer with every frame. */
  readonly #checkSilence = (): void => {
    const leftMs = this.#heardAtMs + silenceMsMax - this.#clock.monotonicMs();
    if (leftMs > 0) this.#timer = this.#clock.setTimeout(this.#checkSilence, leftMs);
    else this.#cutBecause({ code: "silent", message: `Nothing heard from the server for ${silenceMsMax / 1000} s.` });
  };

  #cutBecause(outage: Outage): void {
    this.#outage = outage;
    this.#cut();
  }

  /** The close event follows, on every path. */
  readonly #cut = (): void => {
    this.#socket?.terminate();
  };

  readonly #onClose = (closeCode: number, reason: Buffer): void => {
    this.#socket = undefined;
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#sampleTimer);
    if (this.#stopping) {
      this.#finish();
      return;
    }
    const wasOnline = this.status.state === "online";
    if (wasOnline && this.#clock.monotonicMs() - this.#openedAtMs >= stableMs) this.#failures = 0;
    const outage = this.#outage ?? outageOfClose(closeCode, reason.toString());
    const retryInMs = retryDelayMs(outage, this.#failures++, this.#random);
    this.#timer = this.#clock.setTimeout(this.#connect, retryInMs);
    const seconds = Math.round(retryInMs / 1000);
    const level = outage.code === "forbidden" || outage.code === "unexpected_answer" ? "error" : "warn";
    this.#notice(level, "outage", `${outage.message} Next try in ${seconds} s.`);
    this.#become({ state: "waiting", outage, retryInMs });
  };

  #finish(): void {
    this.#become({ state: "stopped" });
    this.#resolveStopped();
  }

  #outageOfAnswer(response: IncomingMessage): Outage {
    const { host } = this.#resolved.address;
    const status = response.statusCode ?? 0;
    if (status === 401 || status === 403) {
      const message =
        `${host} refused device ${this.deviceId} (HTTP ${status}): the id is not registered, or the token is wrong or revoked. ` +
        `Check DEVICE_ID and API_TOKEN; \`wattboard device add ${this.deviceId}\` on the server registers the device and prints its ` +
        `token, \`wattboard device rotate ${this.deviceId}\` prints a new one.`;
      return { code: "forbidden", message };
    }
    if (status === 429 || status === 503) {
      const retryAfterMs = parseRetryAfter(response.headers["retry-after"], this.#clock.now());
      const why = status === 429 ? "too many connections, or two devices that share this token" : "it is not ready";
      const message = `${host} asks to come back later (HTTP ${status}): ${why}.`;
      return { code: "busy", message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
    if (status >= 500) return { code: "unreachable", message: `${host} answers HTTP ${status}.` };
    return {
      code: "unexpected_answer",
      message: `${host} answers HTTP ${status}: is this the address of a Wattboard?`,
    };
  }

  // Samples

  readonly #tick = (): void => {
    // Anchored to the due time, so that the rate does not drift; a process that slept does not catch up.
    const nowMs = this.#clock.monotonicMs();
    this.#sampleDueMs += this.#resolved.periodMs;
    if (this.#sampleDueMs <= nowMs) this.#sampleDueMs = nowMs + this.#resolved.periodMs;
    this.#sampleTimer = this.#clock.setTimeout(this.#tick, this.#sampleDueMs - nowMs);
    if (this.#reading) {
      this.counters.skippedReading++;
      this.#noticeSometimes("warn", "read_slow", "The last read has not finished; this one is left out.");
      return;
    }
    try {
      const sample = this.#options.read?.();
      if (sample instanceof Promise) {
        this.#reading = true;
        sample.then(this.#onRead).catch(this.#onReadFailed);
      } else this.#onRead(sample);
    } catch (error) {
      this.#onReadFailed(error);
    }
  };

  readonly #onRead = (sample: Sample | null | undefined): void => {
    this.#reading = false;
    if (sample !== null && sample !== undefined) this.send(sample);
  };

  readonly #onReadFailed = (error: unknown): void => {
    this.#reading = false;
    this.counters.readFailures++;
    this.#noticeSometimes("error", "read_failed", "read failed; nothing was sent.", error);
  };

  // Commands

  readonly #onMessage = (data: Buffer, isBinary: boolean): void => {
    this.#heardAtMs = this.#clock.monotonicMs();
    if (this.#stopping) return;
    const frame = isBinary ? undefined : parseJson(data.toString());
    if (commandValidator.check(frame)) {
      this.#onCommand(frame);
    } else if (isServerFrame(frame)) {
      // Others' samples come all the time; the rest is rare.
      if (frame.type === "peer" && isTelemetry(frame.telemetry)) {
        this.counters.peerSamples++;
        this.#peers.sample(frame.telemetry);
      }
      if (frame.type === "peers" && Array.isArray(frame.device_ids)) this.#peers.peers(frame as unknown as PeersFrame);
      // Frames of kinds that this version does not know are for later ones.
      if (frame.type === "welcome" && typeof frame.server_time === "string") this.#inbox.welcome(frame as Welcome);
      if (frame.type === "deadline" && typeof frame.expires_at === "string") this.#inbox.deadline(frame as Deadline);
    } else {
      this.counters.malformedFrames++;
      const why = isBinary ? "it is binary" : whyNoCommand(frame);
      this.#noticeSometimes("warn", "malformed_frame", `A frame from the server is not a command: ${why}.`);
      const id = (frame as { command_id?: unknown } | null | undefined)?.command_id;
      if (typeof id === "string") this.#inbox.refuse(id, `This device does not know such a command: ${why}.`);
    }
  };

  #onCommand(command: Command): void {
    const { action, command_id } = command;
    if (this.#options.onCommand === undefined) {
      this.#notice("warn", "command_unhandled", `${action} ${command_id} came; there is no onCommand.`);
    }
    this.#inbox.receive(command);
  }

  /** Sends a frame of the subprotocol; false where the link is not there or does not speak it. */
  #sendFrame(frame: DeviceFrame): boolean {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || socket.protocol !== subprotocol || this.#stopping) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  readonly #onCommandFailed = (error: unknown): void => {
    this.counters.commandFailures++;
    this.#notice("error", "command_failed", "onCommand failed.", error);
  };

  // Telling

  #become(status: DeviceStatus): void {
    this.status = status;
    try {
      this.#options.onStatus?.(status);
    } catch (error) {
      this.#notice("error", "callback_failed", "onStatus failed.", error);
    }
  }

  #noticeSometimes(level: DeviceNotice["level"], code: NoticeCode, message: string, error?: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#noticedAtMs[code] ?? Number.NEGATIVE_INFINITY) < noticeEveryMs) return;
    this.#noticedAtMs[code] = nowMs;
    this.#notice(level, code, message, error);
  }

  #notice(level: DeviceNotice["level"], code: NoticeCode, message: string, error?: unknown): void {
    const notice = { deviceId: this.deviceId, level, code, message, ...(error !== undefined && { error }) };
    try {
      (this.#options.log ?? logToStderr)(notice);
    } catch {
      // A log that fails has nowhere to be told, and must not take the device down.
    }
  }
}

function logToStderr({ deviceId, level, message, error }: DeviceNotice): void {
  console.error(`wattboard ${deviceId} ${level}: ${message}`, ...(error === undefined ? [] : [error]));
}

function outageOfClose(closeCode: number, reason: string): Outage {
  if (closeCode === disconnects.revoked.code && reason === disconnects.revoked.reason) {
    return { code: "revoked", message: "The server revoked this device's token, or removed the device." };
  }
  if (closeCode === disconnects.replaced.code) {
    return {
      code: "replaced",
      message:
        reason === "" || reason === disconnects.replaced.reason
          ? "A newer connection of this device took over: does another device use its token?"
          : `The server ended the link for a breach of its rules: ${reason}.`,
    };
  }
  if (closeCode === 1006) return { code: "closed", message: "The connection was lost." };
  return { code: "closed", message: `The server ended the link (${closeCode}${reason === "" ? "" : ` ${reason}`}).` };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/** What a device with an `onCommand` and nothing announced can be told: what the EMS communication interface has, and leases. */
const plainAnnouncement: Announcement = { commands: { SET_MODE: { leases: true }, RESET_ERROR: {} } };

function isServerFrame(frame: unknown): frame is { readonly type: string } & Readonly<Record<string, unknown>> {
  return typeof frame === "object" && frame !== null && "type" in frame && typeof frame.type === "string";
}

function isTelemetry(value: unknown): value is PeerSample {
  return typeof value === "object" && value !== null && "device_id" in value;
}

function whyNoCommand(frame: unknown): string {
  if (frame === undefined) return "it is not a JSON text";
  const { path, message } = commandValidator.explain(frame);
  return `${path || "it"} ${message}`;
}

/** Undefined where the text is not JSON; JSON has no undefined of its own. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
