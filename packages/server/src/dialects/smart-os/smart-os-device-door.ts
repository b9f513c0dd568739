import {
  type Capabilities,
  capabilitiesOf,
  type Disconnect,
  isOfSmartOs,
  isRefusal,
  type Refusal,
  refuse,
  smartOsWelcomes,
} from "@wattboard/protocol";
import { deviceFrameValidator } from "@wattboard/protocol/validate";
import { addressPrefix } from "../../access/address-prefix.ts";
import type { Audit } from "../../access/audit/audit.ts";
import { refuseOrigin } from "../../access/refuse-origin.ts";
import { bearerToken } from "../../access/tokens.ts";
import { untilNextTurn } from "../../base/clock.ts";
import { RateLimit } from "../../base/rate-limit.ts";
import type { Channel } from "../../commands/channel.ts";
import type { Dispatcher } from "../../commands/dispatcher.ts";
import type { Device, DeviceRegistry } from "../../devices/device-registry.ts";
import type { DeviceSession } from "../../devices/device-session.ts";
import type { DeviceSessions } from "../../devices/device-sessions.ts";
import type { DeviceState } from "../../devices/device-state.ts";
import type { DeviceStates } from "../../devices/device-states.ts";
import type { TokenHandover } from "../../devices/token-handover.ts";
import type { WaitingDevices } from "../../devices/waiting-devices.ts";
import { type Door, type DoorContext, deviceFrameLimit, subscribeToPeers } from "../../doors/door.ts";
import { acceptHandshake, type Handshake, refuseHandshake } from "../../doors/upgrade.ts";
import { Link } from "../../link/link.ts";
import type { Ingest } from "../../telemetry/ingest.ts";
import { AutoRegister } from "./auto-register.ts";
import { BatteryUnit } from "./battery-unit.ts";
import { type ClientFeed, updateOf } from "./client-feed.ts";
import { type MessageFault, readBody, readEnvelope, type SmartOsMessage, smartOsFrame } from "./message.ts";
import { heldMsMax, pointOfField, smartOsSample } from "./sample.ts";
import { StoredAnswers } from "./stored-answers.ts";
import { UnadmittedLinks } from "./unadmitted-links.ts";

export interface SmartOsDeviceDoorSettings {
  /** `token`: as at the device door. `open`: also whoever names a device of this dialect. */
  readonly access: "off" | "token" | "open";
  /** When a sample is answered. */
  readonly okAfter: "accepted" | "stored";
  /** Whether `open` registers devices that nobody knows, and up to how many registered devices. */
  readonly autoRegister: boolean;
  readonly registeredMax: number;
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
}

export interface SmartOsDeviceDoorDomain {
  readonly audit: Audit;
  readonly clientFeed: ClientFeed;
  readonly commands: Dispatcher;
  readonly devices: DeviceRegistry;
  readonly handover: TokenHandover;
  readonly ingest: Ingest;
  readonly latest: DeviceStates;
  readonly registry: DeviceSessions;
  readonly waiting: WaitingDevices;
}

/** What a device of this dialect can be told until it announces something: nothing. */
const nothingAnnounced: Capabilities = { commands: {} };

/**
 * `/update/` (DESIGN §3.4): devices that speak SMART-OS. Which device it is says the first message, so that is when it is let in, and from then
 * on the link is this device's alone. Samples go the same way as those of the device door.
 */
export class SmartOsDeviceDoor implements Door {
  readonly name = "update";
  readonly context: DoorContext;
  readonly parts: SmartOsDeviceDoorDomain;
  readonly settings: SmartOsDeviceDoorSettings;
  /** Null where nobody is registered by coming. */
  readonly #autoRegister: AutoRegister | null;
  readonly unadmitted: UnadmittedLinks;

  constructor(context: DoorContext, parts: SmartOsDeviceDoorDomain, settings: SmartOsDeviceDoorSettings) {
    this.context = context;
    this.parts = parts;
    this.settings = settings;
    this.unadmitted = new UnadmittedLinks(context.clock);
    const { clock, log } = context;
    const mayRegister = settings.access === "open" && settings.autoRegister;
    this.#autoRegister = mayRegister ? new AutoRegister({ ...parts, clock, log }, settings.registeredMax) : null;
  }

  accept(handshake: Handshake): void {
    const { floods, links, frameATurnServer } = this.context;
    const { request } = handshake;
    const token = bearerToken(request.headers.authorization);
    const refusal =
      this.settings.access === "off"
        ? refuse("not_found", "The SMART-OS doors are closed; smart_os.access opens them.")
        : token !== null
          ? null
          : this.settings.access === "token"
            ? refuse("forbidden")
            : // With an open door any page in a browser of this machine could play a device; none can send a token.
              refuseOrigin(request, this.context);
    const retryAfterS = refusal === null ? this.context.connectRate.retryAfterS() : 0;
    if (refusal !== null || retryAfterS > 0) {
      const answer = refusal ?? refuse("too_many_connects");
      links.noteRefused(this.name, answer.code);
      refuseHandshake(handshake, answer, retryAfterS > 0 ? { "Retry-After": String(retryAfterS) } : {});
      return;
    }
    acceptHandshake(frameATurnServer, handshake, (webSocket) => {
      const { clock, heartbeat, linkLimits } = this.context;
      const link: Link = new Link({
        webSocket,
        socket: handshake.socket,
        clock,
        heartbeat,
        limits: linkLimits,
        onText: (frame) => session.take(frame),
        frameLimit: deviceFrameLimit(this.settings),
        onFlood: (consequence) => floods.note({ door: this.name, ...session.who }, consequence),
        onEnd: (end, code, disconnect) => {
          links.remove(this.name, link, end);
          session.left(end, code, disconnect);
        },
      });
      links.add(this.name, link);
      const session = new SmartOsSession(this, link, handshake, token);
      this.unadmitted.add(link);
      link.send(smartOsFrame("INFO", smartOsWelcomes.update));
    });
  }

  /** Why the device may not come in with this token; null where it may. */
  judge(serial: string, token: string | null, address: string): Device | Refusal {
    const { devices, handover, registry, waiting } = this.parts;
    const age = devices.authenticate(serial, token);
    const device = devices.find(serial);
    if (device === undefined) {
      waiting.note(serial, address);
      return refuse("unknown_device");
    }
    if (age === null && !this.#isOpenTo(serial)) return refuse("forbidden");
    if (registry.contestedMs(serial) > 0) return refuse("contested");
    if (age !== null) handover.connected(serial, age);
    return device;
  }

  /** What registers a device that nobody knows, where that is to be. */
  registrarOf(serial: string): AutoRegister | null {
    return this.parts.devices.find(serial) === undefined ? this.#autoRegister : null;
  }

  /** Devices that have a token of their own must show it, unless an administrator took them in as devices of this dialect. */
  #isOpenTo(serial: string): boolean {
    const device = this.parts.devices.find(serial);
    if (this.settings.access !== "open" || device === undefined) return false;
    return device.token !== null && isOfSmartOs(device.properties);
  }
}

/** One socket at the door, and the device that it turns out to be. */
class SmartOsSession {
  readonly #door: SmartOsDeviceDoor;
  readonly #link: Link;
  readonly #handshake: Handshake;
  readonly #token: string | null;
  readonly #address: string;
  readonly #rateLimit: RateLimit;
  #device: { readonly session: DeviceSession; readonly device: DeviceState; readonly channel: Channel } | null = null;
  /** Texts that can be set by remote control, and are therefore points. */
  #textParameters: ReadonlySet<string> = new Set();
  readonly #batteryUnit = new BatteryUnit();
  /** Null where samples are answered at once. */
  readonly #storedAnswers: StoredAnswers | null;
  #commandId = 0;
  /** What came while the device was being registered, in order; as much as the rate lets through. Null: it is not. */
  #held: Buffer[] | null = null;
  #tooManyMeanwhile = 0;

  constructor(door: SmartOsDeviceDoor, link: Link, handshake: Handshake, token: string | null) {
    const { clock, authorizer, loopLag } = door.context;
    const { messagesPerSecond, messagesBurst } = door.settings;
    const nowMs = clock.monotonicMs();
    this.#door = door;
    this.#link = link;
    this.#handshake = handshake;
    this.#token = token;
    this.#address = authorizer.addressOf(handshake.request);
    this.#storedAnswers =
      door.settings.okAfter === "stored" ? new StoredAnswers((header) => this.#answer(header, "", "OK")) : null;
    this.#rateLimit = new RateLimit(messagesPerSecond, messagesBurst, nowMs, loopLag.stalledMs(nowMs));
  }

  get who(): { readonly deviceId: string | null; readonly address: string } {
    return { deviceId: this.#device?.device.deviceId ?? null, address: this.#address };
  }

  take(frame: Buffer): void {
    // Who has been turned away comes in no more, while the link is being closed.
    if (this.#device === null && !this.#link.isOpen) return;
    const { clock, loopLag } = this.#door.context;
    const nowMs = clock.monotonicMs();
    if (!this.#rateLimit.take(nowMs, loopLag.stalledMs(nowMs))) {
      // Without an answer: a peer that sends too much must not be sent as much.
      if (this.#held === null) this.#drop(refuse("rate_limited"));
      else this.#tooManyMeanwhile++;
      return;
    }
    this.#door.context.generalLog?.note("update", this.#address, frame);
    if (this.#held !== null) {
      this.#held.push(Buffer.from(frame));
      return;
    }
    const registration = this.#read(frame);
    if (registration !== null) void this.#holdUntil(registration);
  }

  /** Takes a frame; a promise where its device has to be registered first. */
  #read(frame: Buffer): Promise<void> | null {
    const unread = readEnvelope(frame.toString());
    if ("fault" in unread) {
      this.#fault(unread);
      return null;
    }
    const { header, serial } = unread;
    const registrar = this.#device === null ? this.#door.registrarOf(serial) : null;
    // Of what comes from whoever may not come in, no more is read than who it is.
    if (registrar === null && this.#enter(serial) !== null) {
      this.#answer(header, "", "ERROR");
      return null;
    }
    const message = readBody(unread);
    if ("fault" in message) this.#fault(message);
    else if (registrar !== null) return this.#register(registrar, message, Buffer.from(frame));
    else this.#finish(message, this.#handle(message, frame));
    return null;
  }

  async #register(registrar: AutoRegister, message: SmartOsMessage, frame: Buffer): Promise<void> {
    const { serial } = message;
    const refusal = await registrar.register(serial, this.#address);
    if (!this.#link.isOpen) return;
    if (refusal !== null) this.#door.parts.waiting.note(serial, this.#address);
    const refused = refusal === null ? this.#enter(serial) : this.#refuse(serial, refusal);
    this.#finish(message, refused ?? this.#handle(message, frame));
  }

  /** Goes on with what came meanwhile, a frame in a turn of the event loop. */
  async #holdUntil(registration: Promise<void>): Promise<void> {
    const held: Buffer[] = [];
    this.#held = held;
    await registration;
    for (const next of held) {
      await untilNextTurn(this.#door.context.clock);
      if (!this.#link.isOpen) break;
      await this.#read(next);
    }
    this.#held = null;
    for (; this.#tooManyMeanwhile > 0; this.#tooManyMeanwhile--) this.#drop(refuse("rate_limited"));
  }

  #finish({ type, header }: SmartOsMessage, refusal: Refusal | null): void {
    const stored = this.#storedAnswers;
    if (refusal !== null || stored === null || (type !== "INIT" && type !== "UPDT") || this.#device === null) {
      this.#answer(header, "", refusal === null ? "OK" : "ERROR");
    } else if (!stored.await(this.#device.session.nextSeq - 1, header)) this.#answer(header, "", "ERROR");
  }

  #fault({ header, fault }: MessageFault): void {
    this.#drop(refuse("invalid_smart_os", `Here ${fault}.`));
    this.#answer(header, `ERROR: ${fault}`, "ERROR");
  }

  left(end: string, code: number, disconnect: Disconnect | null): void {
    this.#door.unadmitted.remove(this.#link);
    this.#door.context.peering?.feed.unsubscribe(this.#link);
    if (disconnect?.refusal !== undefined) this.#drop(refuse(disconnect.refusal));
    if (this.#device === null) return;
    const { session, channel } = this.#device;
    const { commands, registry } = this.#door.parts;
    registry.release(session);
    commands.disconnected(session.deviceId, channel);
    const { deviceId, epoch } = session;
    this.#door.context.log.info({ device_id: deviceId, epoch, end, code }, "device disconnected");
  }

  /** The first message says who it is; any other must say the same. */
  #enter(serial: string): Refusal | null {
    const { context, parts } = this.#door;
    if (this.#device !== null) {
      if (serial === this.#device.device.deviceId) return null;
      return this.#drop(
        refuse("wrong_device", `The message says ${serial}, the link is ${this.#device.device.deviceId}'s.`),
      );
    }
    const registered = this.#door.judge(serial, this.#token, this.#address);
    if (isRefusal(registered)) return this.#refuse(serial, registered);
    this.#door.unadmitted.remove(this.#link);
    this.#door.context.addresses.give(this.#handshake.socket);
    const { session, replaced } = parts.registry.takeOver(serial, this.#link, "smart-os");
    session.waiter = this.#storedAnswers;
    const channel = this.#channelOf(session);
    const device = parts.latest.of(registered);
    device.isWholeInEach = true;
    this.#device = { session, channel, device };
    parts.commands.connected(serial, channel);
    context.log.info(
      {
        device_id: serial,
        epoch: session.epoch,
        address: this.#address,
        replaced: replaced?.epoch,
        dialect: "smart-os",
      },
      "device connected",
    );
    return null;
  }

  #refuse(serial: string, refusal: Refusal): Refusal {
    const { links, log, throttle } = this.#door.context;
    const { code } = refusal;
    links.noteRefused("update", code);
    const suppressed = throttle.pass(`refused ${addressPrefix(this.#address)} ${code}`);
    if (suppressed !== null)
      log.warn({ device_id: serial, address: this.#address, code, suppressed }, "device refused");
    return refusal;
  }

  #handle(message: SmartOsMessage, frame: Buffer): Refusal | null {
    switch (message.type) {
      case "INIT":
      case "UPDT":
        return this.#sample(message, frame);
      case "CMND":
        return this.#command(message.body);
      case "PEER":
        return this.#peers(message.body);
      case "INFO":
        return null;
      default:
        return this.#drop(refuse("invalid_smart_os", `${message.type} is for web clients.`));
    }
  }

  #sample({ type, header, body, isJson }: SmartOsMessage, frame: Buffer): Refusal | null {
    if (this.#device === null) return null;
    const { session, device } = this.#device;
    const { clientFeed, devices, ingest } = this.#door.parts;
    const { clock, log, throttle } = this.#door.context;
    const { deviceId } = device;
    if (body.serial_number !== undefined && body.serial_number !== deviceId) {
      return this.#drop(refuse("wrong_device", "serial_number is not the one of the header."));
    }
    const nowMs = clock.wallMs();
    const last = device.latest;
    const stillHolds =
      last !== null && (last.epoch === session.epoch || Math.abs(nowMs - last.receivedAtMs) <= heldMsMax) ? last : null;
    const sample = smartOsSample(deviceId, body, stillHolds, nowMs, this.#textParameters, this.#batteryUnit);
    const refusal = ingest.receive(device, session, sample.telemetry, false);
    if (refusal !== null) return refusal;
    const unkept = devices.report(deviceId, sample.properties);
    const leftOut = [...sample.leftOut, ...unkept.map((point) => ({ point, fault: "too_many_points" as const }))];
    if (leftOut.length > 0) {
      ingest.noteFaults(device, leftOut, nowMs);
      const suppressed = throttle.pass(`left out ${deviceId}`);
      if (suppressed !== null) {
        const names = leftOut.slice(0, 10).map(({ point }) => point.slice(0, 80));
        log.info({ device_id: deviceId, fields: names, suppressed }, "fields that cannot be kept were left out");
      }
    }
    if (type === "UPDT" && isJson) clientFeed.publishAsSent(deviceId, frame);
    else clientFeed.publish(deviceId, header, sample.fields);
    return null;
  }

  /** What the device can be told, or what became of a command. */
  #command(body: Readonly<Record<string, unknown>>): Refusal | null {
    if (this.#device === null) return null;
    const { device, channel } = this.#device;
    const { commands } = this.#door.parts;
    const said = "command_id" in body ? { ...body, type: "command_result" } : { commands: {}, ...body, type: "hello" };
    if (!deviceFrameValidator.check(said)) {
      const { path, message } = deviceFrameValidator.explain(said);
      return this.#drop(refuse("invalid_smart_os", `${path === "" ? "The body" : path} ${message}.`));
    }
    if (said.type === "command_result") {
      commands.result(device.deviceId, channel, said);
      return null;
    }
    if (said.type !== "hello") return null;
    const parameters = said.parameters?.map((each) => ({ ...each, point: each.point ?? pointOfField(each.name) }));
    this.#textParameters = new Set(parameters?.filter(({ type }) => type === "text").map(({ name }) => name));
    commands.hello(device.deviceId, channel, {
      ...capabilitiesOf(said),
      ...(parameters !== undefined && { parameters }),
    });
    return null;
  }

  #peers({ subscribe }: Readonly<Record<string, unknown>>): Refusal | null {
    if (this.#device === null) return null;
    if (typeof subscribe !== "boolean")
      return this.#drop(refuse("invalid_smart_os", "subscribe must be true or false."));
    const { context } = this.#door;
    context.peering?.feed.unsubscribe(this.#link);
    const told = subscribe ? subscribeToPeers(context, this.#link, this.#device.device.deviceId, updateFrame) : [];
    return isRefusal(told) ? this.#drop(told) : null;
  }

  #channelOf(session: DeviceSession): Channel {
    const link = this.#link;
    return {
      saysHello: true,
      defaultCapabilities: nothingAnnounced,
      get isOpen() {
        return !session.fenced && link.isOpen;
      },
      send: (frame) => link.send(frame),
      whenHeard: (callback) => link.whenHeard(callback),
      encode: ({ command_id, action, payload }, expiresAt) => {
        this.#commandId = (this.#commandId + 1) % 10_000;
        const body = JSON.stringify({ command_id, action, payload, expires_at: expiresAt });
        const messageId = String(this.#commandId).padStart(4, "0");
        return smartOsFrame("CMND", `${messageId}:${session.deviceId}:${body}`);
      },
    };
  }

  /** Counts what goes no further, for the device that it is, if that is known. */
  #drop(refusal: Refusal): Refusal {
    if (this.#device !== null) return this.#door.parts.ingest.drop(this.#device.device, refusal);
    const { links, log, throttle } = this.#door.context;
    links.noteRefused("update", refusal.code);
    const suppressed = throttle.pass(`dropped ${addressPrefix(this.#address)} ${refusal.code}`);
    if (suppressed !== null) {
      log.warn({ address: this.#address, code: refusal.code, suppressed }, `message dropped: ${refusal.message}`);
    }
    return refusal;
  }

  #answer(header: string | null, fault: string, outcome: "OK" | "ERROR"): void {
    this.#link.send(smartOsFrame("INFO", header === null ? fault : `${header}:${outcome}`));
  }
}

/** A peer's latest sample, as web clients get it. */
function updateFrame({ latest }: DeviceState): Buffer | null {
  return latest === null ? null : updateOf(latest);
}
