import type { Capabilities } from "@wattboard/protocol";
import { systemClock } from "./clock.ts";
import { CommandInbox } from "./command-inbox.ts";
import type { Device, DeviceCounters, DeviceStatus } from "./device.ts";
import type { DeviceOptions } from "./device-options.ts";
import { Link } from "./link.ts";
import { Notices } from "./notices.ts";
import { Outbox } from "./outbox.ts";
import { type PeerHandlers, PeerInbox } from "./peer-inbox.ts";
import { type Resolved, resolveOptions } from "./resolve-options.ts";
import type { Sample } from "./sample.ts";
import { Sampler } from "./sampler.ts";
import { readServerFrame } from "./server-frame.ts";
import { webSocketTransport } from "./web-socket-transport.ts";

/** What a device with an `onCommand` and nothing announced can be told: what the EMS communication interface has, and leases. */
const plainAnnouncement: Capabilities = { commands: { SET_MODE: { leases: true }, RESET_ERROR: {} } };

/**
 * Connects a device and keeps it connected. Returns at once; the first link opens in the background.
 * @throws DeviceConfigurationError which names everything that is missing or wrong in the options
 */
export function connectDevice(options: DeviceOptions = {}): Device {
  const device = new ConnectedDevice(options, resolveOptions(options));
  device.start();
  return device;
}

/** Puts the parts together: a link, what goes out (sampler, outbox), and what comes in (commands, samples of peers). */
class ConnectedDevice implements Device {
  readonly deviceId: string;
  readonly stopped: Promise<void>;
  readonly counters: DeviceCounters = {
    links: 0,
    sent: 0,
    skippedOffline: 0,
    skippedCongested: 0,
    skippedTooBig: 0,
    refused: 0,
    skippedReading: 0,
    readFailures: 0,
    commands: 0,
    commandFailures: 0,
    malformedFrames: 0,
    peerSamples: 0,
  };

  readonly #options: DeviceOptions;
  readonly #address: URL;
  readonly #announcement: Capabilities;
  readonly #notices: Notices;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #sampler: Sampler | undefined;
  readonly #commands: CommandInbox;
  readonly #peers: PeerInbox;
  #resolveStopped: () => void = () => {};
  #isStopping = false;

  constructor(options: DeviceOptions, { deviceId, address, token, periodMs }: Resolved) {
    const { clock = systemClock, random = Math.random, onCommand, read } = options;
    this.#options = options;
    this.#address = address;
    this.deviceId = deviceId;
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    this.#announcement = options.announcement ?? (onCommand === undefined ? { commands: {} } : plainAnnouncement);
    const notices = new Notices(deviceId, clock, options.log);
    this.#notices = notices;
    this.#link = new Link({
      deviceId,
      host: address.host,
      clock,
      random,
      transport: options.transport ?? webSocketTransport(address, token),
      notices,
      hooks: {
        became: (status) => this.#onStatus(status),
        opened: () => this.#onOpened(),
        received: (text) => this.#onReceived(text),
        closed: () => this.#sampler?.stop(),
      },
    });
    this.#outbox = new Outbox(deviceId, clock, this.#link, this.counters, notices);
    this.#sampler = read && new Sampler(clock, periodMs, read, (each) => this.send(each), this.counters, notices);
    this.#commands = new CommandInbox(clock, this.#announcement, onCommand, options.commandMemory, {
      send: (result) => this.#link.sendFrame(result),
      began: () => this.counters.commands++,
      failed: (error) => {
        this.counters.commandFailures++;
        notices.tell("error", "command_failed", "onCommand failed.", error);
      },
      leaseEnded: ({ command_id: id }) =>
        notices.tell("warn", "lease_ended", `The lease of ${id} has ended: back to AUTO.`),
    });
    this.#peers = new PeerInbox({
      ask: (isWanted) => this.#link.sendFrame({ type: "peers", subscribe: isWanted }),
      refused: (reason) => notices.tellSometimes("warn", "peers_refused", `No samples of other devices: ${reason}`),
      failed: (handler, error) => notices.tellSometimes("error", "callback_failed", `${handler} failed.`, error),
    });
  }

  get status(): DeviceStatus {
    return this.#link.status;
  }

  start(): void {
    if (this.#address.protocol === "ws:" && !isLoopback(this.#address.hostname)) {
      const message = `The token goes to ${this.#address.host} in the clear: use https or wss.`;
      this.#notices.tell("warn", "plain_text_token", message);
    }
    const { signal } = this.#options;
    if (signal?.aborted) {
      void this.stop();
      return;
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#link.start();
  }

  send(sample: Sample): boolean {
    return this.#outbox.send(sample);
  }

  subscribePeers(handlers: PeerHandlers): () => void {
    return this.#peers.subscribe(handlers);
  }

  stop(): Promise<void> {
    if (this.#isStopping) return this.stopped;
    this.#isStopping = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#commands.stop();
    this.#sampler?.stop();
    this.#link.stop();
    return this.stopped;
  }

  readonly #onAbort = (): void => {
    void this.stop();
  };

  #onStatus(status: DeviceStatus): void {
    if (status.state === "online") this.counters.links++;
    try {
      this.#options.onStatus?.(status);
    } catch (error) {
      this.#notices.tell("error", "callback_failed", "onStatus failed.", error);
    }
    if (status.state === "stopped") this.#resolveStopped();
  }

  #onOpened(): void {
    if (this.#link.sendFrame({ type: "hello", ...this.#announcement })) this.#commands.linked();
    this.#peers.linked();
    this.#sampler?.start();
  }

  #onReceived(text: string | null): void {
    const frame = readServerFrame(text);
    switch (frame.type) {
      case "command": {
        const { action, command_id: id } = frame.command;
        if (this.#options.onCommand === undefined) {
          this.#notices.tell("warn", "command_unhandled", `${action} ${id} came; there is no onCommand.`);
        }
        this.#commands.receive(frame.command);
        return;
      }
      case "peer":
        this.counters.peerSamples++;
        this.#peers.sample(frame.telemetry);
        return;
      case "peers":
        this.#peers.peers(frame);
        return;
      case "welcome":
        this.#commands.welcome(frame);
        return;
      case "deadline":
        this.#commands.deadline(frame);
        return;
      case "refused": {
        // The server tells each code at most every 10 s.
        const { code, count, message } = frame;
        this.counters.refused += count;
        const what = count === 1 ? "a sample" : `${count} samples`;
        this.#notices.tell("warn", "refused", `The server did not take ${what} as it came (${code}): ${message}`);
        return;
      }
      case "malformed": {
        const { why, commandId } = frame;
        this.counters.malformedFrames++;
        const message = `A frame from the server is not a command: ${why}.`;
        this.#notices.tellSometimes("warn", "malformed_frame", message);
        if (commandId !== undefined)
          this.#commands.refuse(commandId, `This device does not know such a command: ${why}.`);
      }
    }
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
