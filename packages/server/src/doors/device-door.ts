import { isDeviceId, type Refusal, refuse } from "@wattboard/protocol";
import type { Devices } from "../access/devices.ts";
import { bearerToken, tokenPrefix } from "../access/tokens.ts";
import { Link } from "../link/link.ts";
import { RateLimit } from "../link/rate-limit.ts";
import type { Events } from "../observe/events.ts";
import type { Registry } from "../registry/registry.ts";
import type { Ingest } from "../telemetry/ingest.ts";
import type { Latest } from "../telemetry/latest.ts";
import type { Door, DoorContext } from "./doors.ts";
import { acceptHandshake, type Handshake, refuseHandshake } from "./upgrade.ts";

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
  readonly #devices: Devices;
  readonly #registry: Registry;
  readonly #latest: Latest;
  readonly #ingest: Ingest;
  readonly #events: Events;
  readonly #limits: DeviceDoorLimits;
  /** Called when a device was let in: its socket no longer counts against its address. */
  readonly #admitted: (handshake: Handshake) => void;

  constructor(
    context: DoorContext,
    parts: {
      readonly devices: Devices;
      readonly registry: Registry;
      readonly latest: Latest;
      readonly ingest: Ingest;
      readonly events: Events;
    },
    limits: DeviceDoorLimits,
    admitted: (handshake: Handshake) => void,
  ) {
    this.#context = context;
    this.#devices = parts.devices;
    this.#registry = parts.registry;
    this.#latest = parts.latest;
    this.#ingest = parts.ingest;
    this.#events = parts.events;
    this.#limits = limits;
    this.#admitted = admitted;
  }

  knock(handshake: Handshake, deviceId: string): void {
    const token = bearerToken(handshake.request.headers.authorization);
    // One answer for an unknown id, a wrong token and no token, after the same work: no oracle.
    if (!this.#devices.authenticate(deviceId, token) || !isDeviceId(deviceId)) {
      this.#refuse(handshake, deviceId, refuse("forbidden"));
      return;
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
      return;
    }
    acceptHandshake(this.#context.webSocketServer, handshake, (webSocket) => {
      this.#admitted(handshake);
      const { clock, gate, heartbeat, linkLimits, links, log } = this.#context;
      const device = this.#latest.of(deviceId);
      const rateLimit = new RateLimit(this.#limits.messagesPerSecond, this.#limits.messagesBurst, clock.monotonicMs());
      const link: Link = new Link({
        webSocket,
        socket: handshake.socket,
        clock,
        heartbeat,
        limits: linkLimits,
        onText: (frame) => {
          if (rateLimit.take(clock.monotonicMs())) this.#ingest.receive(device, session, frame);
          else this.#ingest.drop(device, rateLimited);
        },
        onEnd: (end, code) => {
          links.remove("device", link);
          this.#registry.release(session);
          log.info({ device_id: deviceId, epoch: session.epoch, end, code }, "device disconnected");
        },
      });
      links.add("device", link);
      const { session, replaced } = this.#registry.takeOver(deviceId, link);
      const address = gate.addressOf(handshake.request);
      log.info({ device_id: deviceId, epoch: session.epoch, address, replaced: replaced?.epoch }, "device connected");
    });
  }

  #refuse(handshake: Handshake, deviceId: string, refusal: Refusal, headers: Record<string, string> = {}): void {
    const { gate, links, log, throttle } = this.#context;
    links.noteRefused("device", refusal.code);
    const address = gate.addressOf(handshake.request);
    const suppressed = throttle.pass(`refused ${address}`);
    if (suppressed !== null) {
      // A token that someone put in the place of the id must not get into the log.
      const shownId = isDeviceId(deviceId) && !deviceId.startsWith(tokenPrefix) ? deviceId : "(not a device id)";
      log.warn({ device_id: shownId, address, code: refusal.code, suppressed }, "device refused");
    }
    refuseHandshake(handshake, refusal, headers);
  }
}

const rateLimited = refuse("rate_limited");
