import {
  capabilitiesOf,
  type Hello,
  isDeviceId,
  isRefusal,
  type PeersFrame,
  type Refusal,
  refuse,
  subprotocol,
  type Welcome,
} from "@wattboard/protocol";
import { readDeviceTime } from "@wattboard/protocol/constants";
import { addressPrefix } from "../access/address-prefix.ts";
import { bearerToken, tokenPrefix } from "../access/tokens.ts";
import { RateLimit } from "../base/rate-limit.ts";
import type { Channel } from "../commands/channel.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { Device, DeviceRegistry, TokenAge } from "../devices/device-registry.ts";
import type { DeviceSession } from "../devices/device-session.ts";
import type { DeviceSessions } from "../devices/device-sessions.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { DeviceStates } from "../devices/device-states.ts";
import type { TokenHandover } from "../devices/token-handover.ts";
import { textFrame } from "../link/frame.ts";
import { type FrameLimit, Link } from "../link/link.ts";
import type { Events } from "../observe/events.ts";
import type { GeneralLog } from "../observe/general-log.ts";
import type { Ingest } from "../telemetry/ingest.ts";
import type { Journals } from "../telemetry/journals.ts";
import { readDeviceFrame } from "./device-frame.ts";
import { type Door, type DoorContext, deviceFrameLimit, subscribeToPeers } from "./door.ts";
import { leadingSeq, takeSeq, withoutLeadingSeq } from "./numbered-frame.ts";
import { acceptHandshake, type Handshake, refuseHandshake } from "./upgrade.ts";

interface Admitted {
  readonly registered: Device;
  /** With which it has come. */
  readonly token: string;
  readonly age: TokenAge;
}

export interface DeviceDoorLimits {
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
}

/**
 * `/ws/device/{device_id}` (DESIGN §3.1): authenticates in the HTTP upgrade, registers the session, and hands every frame to ingest.
 */
export class DeviceDoor implements Door {
  readonly name = "device";
  readonly #context: DoorContext;
  readonly #devices: DeviceRegistry;
  readonly #registry: DeviceSessions;
  readonly #latest: DeviceStates;
  readonly #ingest: Ingest;
  readonly #handover: TokenHandover;
  readonly #journals: Journals;
  readonly #commands: Dispatcher;
  readonly #events: Events;
  readonly #limits: DeviceDoorLimits;
  readonly #frameLimit: FrameLimit;
  readonly #generalLog: GeneralLog | null;

  constructor(
    context: DoorContext,
    parts: {
      readonly devices: DeviceRegistry;
      readonly registry: DeviceSessions;
      readonly latest: DeviceStates;
      readonly ingest: Ingest;
      readonly handover: TokenHandover;
      readonly journals: Journals;
      readonly commands: Dispatcher;
      readonly events: Events;
      /** Null: messages are not logged. */
      readonly generalLog: GeneralLog | null;
    },
    limits: DeviceDoorLimits,
  ) {
    this.#context = context;
    this.#devices = parts.devices;
    this.#registry = parts.registry;
    this.#latest = parts.latest;
    this.#ingest = parts.ingest;
    this.#handover = parts.handover;
    this.#journals = parts.journals;
    this.#commands = parts.commands;
    this.#events = parts.events;
    this.#generalLog = parts.generalLog;
    this.#limits = limits;
    this.#frameLimit = deviceFrameLimit(limits);
  }

  accept(handshake: Handshake, deviceId: string): void {
    const admitted = this.#admit(handshake, deviceId);
    if (admitted === null) return;
    const { registered, token, age } = admitted;
    acceptHandshake(this.#context.webSocketServer, handshake, (webSocket) => {
      const { addresses, clock, floods, authorizer, heartbeat, linkLimits, links, log, loopLag } = this.#context;
      addresses.give(handshake.socket);
      const device = this.#latest.of(registered);
      const address = authorizer.addressOf(handshake.request);
      const { messagesPerSecond, messagesBurst } = this.#limits;
      const openedAtMs = clock.monotonicMs();
      const rateLimit = new RateLimit(messagesPerSecond, messagesBurst, openedAtMs, loopLag.stalledMs(openedAtMs));
      const link: Link = new Link({
        webSocket,
        socket: handshake.socket,
        clock,
        heartbeat,
        limits: linkLimits,
        onText: (frame) => {
          this.#generalLog?.note("device", deviceId, frame);
          const nowMs = clock.monotonicMs();
          if (!rateLimit.take(nowMs, loopLag.stalledMs(nowMs))) this.#ingest.drop(device, rateLimited);
          else if (!speaksSubprotocol || session.fenced) this.#ingest.receive(device, session, frame);
          else this.#take(link, device, session, channel, frame);
        },
        frameLimit: this.#frameLimit,
        onFlood: (consequence) => floods.note({ door: "device", deviceId, address }, consequence),
        onEnd: (end, code, disconnect) => {
          links.remove("device", link, end);
          // Before the session ends: what ended it is the device's, as any other refusal.
          if (disconnect?.refusal !== undefined) this.#ingest.drop(device, refuse(disconnect.refusal));
          this.#context.peering?.feed.unsubscribe(link);
          this.#registry.release(session);
          this.#commands.disconnected(deviceId, channel);
          log.info({ device_id: deviceId, epoch: session.epoch, end, code }, "device disconnected");
        },
      });
      links.add("device", link);
      const { session, replaced } = this.#registry.takeOver(deviceId, link);
      this.#handover.connected(deviceId, age);
      const speaksSubprotocol = webSocket.protocol === subprotocol;
      const channel: Channel = {
        saysHello: speaksSubprotocol,
        get isOpen() {
          return !session.fenced && link.isOpen;
        },
        send: (frame) => link.send(frame),
        whenHeard: (callback) => link.whenHeard(callback),
      };
      if (speaksSubprotocol) {
        const serverTime = new Date(clock.wallMs()).toISOString();
        const welcome: Welcome = { type: "welcome", server_time: serverTime, epoch: session.epoch };
        const notify = (frame: object): void => link.send(textFrame(Buffer.from(JSON.stringify(frame))));
        session.notify = notify;
        notify(welcome);
        this.#handover.linked(session, token);
      } else session.takesTokens = false;
      this.#commands.connected(deviceId, channel);
      log.info({ device_id: deviceId, epoch: session.epoch, address, replaced: replaced?.epoch }, "device connected");
    });
  }

  /** The device that knocks with its own token; null where it was refused. */
  #admit(handshake: Handshake, deviceId: string): Admitted | null {
    const token = bearerToken(handshake.request.headers.authorization);
    // One answer for an unknown id, a wrong token and no token, after the same work: no oracle.
    const age = this.#devices.authenticate(deviceId, token);
    const registered = this.#devices.find(deviceId);
    if (token === null || age === null || registered === undefined) {
      this.#refuse(handshake, deviceId, refuse("forbidden"));
      return null;
    }
    const contestedMs = this.#registry.contestedMs(deviceId);
    if (contestedMs > 0) {
      const refusal = refuse("contested");
      if (this.#context.throttle.pass(`contested ${deviceId}`) !== null) {
        this.#events.report(
          "contested",
          deviceId,
          `two devices share this token: ${deviceId} was taken over too often; the connected one stays. Give each device its own id and token.`,
        );
      }
      this.#refuse(handshake, deviceId, refusal, { "Retry-After": String(Math.ceil(contestedMs / 1_000)) });
      return null;
    }
    // Behind the token: who has none must not use up what devices need.
    const retryAfterS = this.#context.connectRate.retryAfterS();
    if (retryAfterS === 0) return { registered, token, age };
    this.#refuse(handshake, deviceId, refuse("too_many_connects"), { "Retry-After": String(retryAfterS) });
    return null;
  }

  /** Takes a frame of a link that speaks the subprotocol: telemetry, with a number or without, or another. */
  #take(link: Link, device: DeviceState, session: DeviceSession, channel: Channel, text: Buffer): void {
    const seq = session.isNumbering ? leadingSeq(text) : 0;
    if (seq > 0) {
      this.#ingest.receive(device, session, withoutLeadingSeq(text), true, seq);
      return;
    }
    const frame = readDeviceFrame(text);
    if (frame === null) {
      const numbered = session.isNumbering ? takeSeq(text) : null;
      this.#ingest.receive(device, session, numbered?.frame ?? text, true, numbered?.seq);
    } else if (isRefusal(frame)) this.#ingest.drop(device, frame);
    else if (frame.type === "hello") this.#hello(device, session, channel, frame);
    else if (frame.type === "command_result") this.#commands.result(device.deviceId, channel, frame);
    else if (frame.type === "token_stored") this.#handover.stored(session, frame.token_id);
    else if (frame.type === "peers") this.#takePeers(link, device, frame.subscribe);
    else {
      const refusal =
        frame.type === "backfill"
          ? this.#journals.backfill(device, session, frame)
          : this.#journals.gap(device, session, frame);
      if (refusal !== null) this.#ingest.drop(device, refusal);
    }
  }

  #hello(device: DeviceState, session: DeviceSession, channel: Channel, hello: Hello): void {
    const { journal, software_version, device_time } = hello;
    const { deviceId } = device;
    this.#commands.hello(deviceId, channel, capabilitiesOf(hello));
    if (software_version !== undefined) this.#devices.report(deviceId, { software_version });
    const deviceTimeMs = readDeviceTime(device_time)?.ms;
    if (deviceTimeMs !== undefined) this.#ingest.place(device, deviceTimeMs, session.epoch);
    this.#handover.hello(session, hello.takes_tokens === true);
    if (journal !== undefined) this.#journals.hello(device, session, journal);
  }

  #takePeers(link: Link, device: DeviceState, isWanted: boolean): void {
    this.#context.peering?.feed.unsubscribe(link);
    const told = isWanted ? subscribeToPeers(this.#context, link, device.deviceId, peerFrame) : [];
    const answer: PeersFrame = isRefusal(told)
      ? { type: "peers", device_ids: [], reason: told.message }
      : { type: "peers", device_ids: told };
    link.send(textFrame(Buffer.from(JSON.stringify(answer))));
    if (isRefusal(told)) this.#ingest.drop(device, told);
  }

  #refuse(handshake: Handshake, deviceId: string, refusal: Refusal, headers: Record<string, string> = {}): void {
    const { authorizer, links, log, throttle } = this.#context;
    links.noteRefused("device", refusal.code);
    const address = authorizer.addressOf(handshake.request);
    const suppressed = throttle.pass(`refused ${addressPrefix(address)} ${refusal.code}`);
    if (suppressed !== null) {
      // A token that someone put in the place of the id must not get into the log.
      const shownId = isDeviceId(deviceId) && !deviceId.startsWith(tokenPrefix) ? deviceId : "(not a device id)";
      log.warn({ device_id: shownId, address, code: refusal.code, suppressed }, "device refused");
    }
    refuseHandshake(handshake, refusal, headers);
  }
}

/** A peer's latest sample, as the peer sent it. */
function peerFrame({ latestFrame }: DeviceState): Buffer | null {
  if (latestFrame === null) return null;
  return textFrame(Buffer.concat([Buffer.from('{"type":"peer","telemetry":'), latestFrame, Buffer.from("}")]));
}

const rateLimited = refuse("rate_limited");
