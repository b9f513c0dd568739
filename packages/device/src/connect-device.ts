import { join } from "node:path";
import { type Capabilities, type Hello, limits, type TokenFrame } from "@wattboard/protocol";
import { type Clock, systemClock } from "./clock.ts";
import { CommandInbox } from "./command-inbox.ts";
import { Credentials } from "./credentials.ts";
import { defaultJournal, defaultJournalFolder } from "./default-journal.ts";
import { Delivery } from "./delivery.ts";
import type { Device, DeviceCounters, DeviceStatus } from "./device.ts";
import type { DeviceOptions } from "./device-options.ts";
import { fileJournal } from "./file-journal.ts";
import type { JournalOpener, SampleJournal } from "./journal.ts";
import { Link } from "./link.ts";
import { memoryJournal } from "./memory-journal.ts";
import { Notices } from "./notices.ts";
import { type Keeping, Outbox } from "./outbox.ts";
import { type PeerHandlers, PeerInbox } from "./peer-inbox.ts";
import { type Resolved, resolveOptions } from "./resolve-options.ts";
import type { Sample } from "./sample.ts";
import { Sampler } from "./sampler.ts";
import { readServerFrame } from "./server-frame.ts";
import { fileTokenStore, type TokenStore } from "./token-store.ts";
import { webSocketTransport } from "./web-socket-transport.ts";

/** What a device with an `onCommand` and nothing announced can be told: what the EMS communication interface has, and leases. */
const plainAnnouncement: Capabilities = { commands: { SET_MODE: { leases: true }, RESET_ERROR: {} } };

/** How long `flush` waits for the server. */
const flushMsDefault = 5_000;
/** How long a stop waits for the last samples to be stored: by the server if they are only in memory, else by the disk. */
const lastMsMax = 3_000;

/**
 * Connects a device and keeps it connected. Returns at once; the first link opens in the background.
 * @throws DeviceConfigurationError which names everything that is missing or wrong in the options
 * @throws JournalError if another process has the journal's folder, or it is another device's
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
    stored: 0,
    lost: 0,
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
  readonly #clock: Clock;
  readonly #credentials: Credentials;
  readonly #link: Link;
  readonly #keeping: Keeping | null;
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
    this.#clock = clock;
    const credentials = new Credentials(token, address.href, tokenStoreOf(options, deviceId));
    this.#credentials = credentials;
    this.#link = new Link({
      deviceId,
      host: address.host,
      clock,
      random,
      transport: options.transport ?? webSocketTransport(address, () => credentials.token),
      notices,
      hooks: {
        became: (status) => this.#onStatus(status),
        opened: () => this.#onOpened(),
        received: (text) => this.#onReceived(text),
        refused: () => credentials.refused(),
        closed: () => this.#onClosed(),
      },
    });
    this.#keeping = this.#openJournal(openerOf(options.journal));
    this.#outbox = new Outbox(deviceId, clock, this.#link, this.counters, notices, this.#keeping);
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

  #openJournal(open: JournalOpener | null): Keeping | null {
    if (open === null) return null;
    const [clock, notices, link, counters] = [this.#clock, this.#notices, this.#link, this.counters];
    const journal: SampleJournal = open({
      deviceId: this.deviceId,
      clock,
      tell: (level, code, message, error) => notices.tell(level, code, message, error),
      dropped: (from, to) => this.#keeping?.delivery.dropped(from, to),
    });
    return { journal, delivery: new Delivery({ journal, clock, link, counters, notices }) };
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
    if (this.#keeping !== null) this.#sampler?.start();
    this.#link.start();
  }

  get waiting(): number {
    return this.#keeping?.delivery.waiting ?? 0;
  }

  send(sample: Sample): boolean {
    return !this.#isStopping && this.#outbox.send(sample);
  }

  async flush(withinMs = flushMsDefault): Promise<boolean> {
    if (this.#keeping === null) return false;
    await this.#keeping.journal.flush();
    return await this.#keeping.delivery.stored(withinMs);
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
    if (this.#keeping === null) this.#link.stop();
    else void this.#closeJournal(this.#keeping).then(() => this.#link.stop());
    return this.stopped;
  }

  /** The last samples are stored: on the disk, or else at the server, as far as it takes them soon. */
  async #closeJournal({ journal, delivery }: Keeping): Promise<void> {
    if (!journal.isLasting && delivery.isWelcome) await delivery.stored(lastMsMax);
    delivery.stop();
    // A disk that hangs does not hold up the program's end.
    let timer: unknown;
    const timeout = new Promise<void>((resolve) => {
      timer = this.#clock.setTimeout(resolve, lastMsMax);
    });
    await Promise.race([journal.close(), timeout]);
    this.#clock.clearTimeout(timer);
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
    this.#credentials.accepted();
    this.#keeping?.delivery.linked();
    if (this.#link.sendFrame(this.#hello())) this.#commands.linked();
    this.#peers.linked();
    if (this.#keeping === null) this.#sampler?.start();
  }

  #hello(): Hello {
    const { softwareVersion } = this.#options;
    const { journal } = this.#keeping ?? {};
    return {
      type: "hello",
      ...this.#announcement,
      ...(journal !== undefined && {
        journal: { id: journal.id, first_seq: journal.firstSeq, last_seq: journal.lastSeq },
      }),
      ...(this.#credentials.takesTokens && { takes_tokens: true }),
      ...(softwareVersion !== undefined && { software_version: softwareVersion.slice(0, limits.textLengthMax) }),
      device_time: new Date(this.#clock.now()).toISOString(),
    };
  }

  #onClosed(): void {
    // With a journal it goes on, so that an outage has every sample.
    if (this.#keeping === null) this.#sampler?.stop();
    else this.#keeping.delivery.unlinked();
  }

  async #takeToken(frame: TokenFrame): Promise<void> {
    if (!this.#credentials.takesTokens) return;
    try {
      this.#link.sendFrame(await this.#credentials.take(frame));
      this.#notices.tell(
        "info",
        "token_stored",
        "The server has sent a new token: it is stored, and used from now on.",
      );
    } catch (error) {
      const message = "The server has sent a new token, which cannot be stored: the present one is gone on with.";
      this.#notices.tell("error", "token_not_stored", message, error);
    }
  }

  #onReceived(text: string | null): void {
    const frame = readServerFrame(text);
    switch (frame.type) {
      case "command": {
        if (this.#isStopping) return;
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
        this.#keeping?.delivery.welcome(frame);
        return;
      case "ack":
        this.#keeping?.delivery.ack(frame);
        return;
      case "pace":
        this.#keeping?.delivery.pace(frame.backfill);
        return;
      case "token":
        void this.#takeToken(frame);
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

function openerOf(journal: DeviceOptions["journal"] = defaultJournal): JournalOpener | null {
  if (journal === false) return null;
  if (typeof journal !== "string") return journal;
  return journal === "memory" ? memoryJournal() : fileJournal(journal);
}

/** Beside the journal, where it is known to be on the disk. */
function tokenStoreOf({ journal, tokenStore }: DeviceOptions, deviceId: string): TokenStore | null {
  if (tokenStore !== undefined) return tokenStore === false ? null : tokenStore;
  if (journal !== undefined && (typeof journal !== "string" || journal === "memory")) return null;
  return fileTokenStore(join(journal ?? defaultJournalFolder(deviceId), "token.json"));
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
