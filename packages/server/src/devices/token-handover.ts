import { disconnects, type TokenFrame } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Events } from "../observe/events.ts";
import type { DeviceRegistry, TokenAge } from "./device-registry.ts";
import type { DeviceSession } from "./device-session.ts";
import type { DeviceSessions } from "./device-sessions.ts";

interface HandoverParts {
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
  readonly events: Events;
  readonly registry: DeviceSessions;
}

/** How far a device is with its new token. */
export interface HandoverState {
  readonly state: "waiting" | "offered" | "stored";
  readonly isByHand: boolean;
}

const sweepMs = 5_000;

/**
 * Hands devices their new tokens over their links, to those alone whose hello says that they take them (ADR 73). The token goes into that one frame, and
 * neither into a log nor into an event.
 */
export class TokenHandover {
  readonly #parts: HandoverParts;
  readonly #cancelSweep: CancelTimer;
  /** The token with which each link has come: what takes its place is sealed for whoever has it. */
  readonly #presented = new WeakMap<DeviceSession, string>();

  constructor(parts: HandoverParts) {
    this.#parts = parts;
    this.#cancelSweep = parts.clock.every(sweepMs, () => this.#sweep());
  }

  stop(): void {
    this.#cancelSweep();
  }

  /** A device has come with this token. With the newest one, those of before are void. */
  connected(deviceId: string, age: TokenAge): void {
    if (age === "former" || !this.#parts.devices.endRotation(deviceId)) return;
    const message = `${deviceId} has come with its new token: the one before is void`;
    this.#parts.events.report("token_changed", deviceId, message);
  }

  /** A link that could hand tokens over has begun with this token. */
  linked(session: DeviceSession, token: string): void {
    this.#presented.set(session, token);
  }

  /** The device has said whether it takes tokens. */
  hello(session: DeviceSession, takesTokens: boolean): void {
    session.takesTokens = takesTokens;
    const token = this.#presented.get(session);
    if (!takesTokens || token === undefined) return;
    this.#parts.devices.noteTakesTokens(session.deviceId, token);
    this.offer(session.deviceId);
  }

  /** Sends the device its new token, where there is one and it takes it; once a link. */
  offer(deviceId: string): void {
    const { devices, registry } = this.#parts;
    const session = registry.find(deviceId);
    const presented = session && this.#presented.get(session);
    const tokenId = devices.tokenIdOf(deviceId);
    if (session?.takesTokens !== true || presented === undefined || session.offeredTokenId === tokenId) return;
    const token = devices.rotations.successorOf(deviceId, presented);
    if (tokenId === null || token === null) return;
    const frame: TokenFrame = { type: "token", token_id: tokenId, token };
    session.offeredTokenId = tokenId;
    session.notify?.(frame);
  }

  /** The device has the token on its disk. It comes again with it: until then nothing shows that it can. */
  stored(session: DeviceSession, tokenId: string): void {
    if (session.offeredTokenId !== tokenId || this.#parts.devices.tokenIdOf(session.deviceId) !== tokenId) return;
    session.storedTokenId = tokenId;
    // Not fenced: what it has sent meanwhile still counts.
    session.link.close(disconnects.tokenRenewed);
  }

  stateOf(deviceId: string): HandoverState {
    const tokenId = this.#parts.devices.tokenIdOf(deviceId);
    const session = this.#parts.registry.find(deviceId);
    const isByHand = session?.takesTokens === false;
    if (session === undefined || session.offeredTokenId !== tokenId) return { state: "waiting", isByHand };
    return { state: session.storedTokenId === tokenId ? "stored" : "offered", isByHand };
  }

  /** What is connected with a token of before, when its time is over, is so no longer. */
  #sweep(): void {
    const { devices, events, registry } = this.#parts;
    for (const deviceId of devices.rotations.overdue()) {
      devices.endRotation(deviceId);
      registry.disconnect(deviceId, disconnects.revoked);
      const message = `the time of the token that ${deviceId} had before is over, and the device has not come with its new one: give it that one, or rotate it again`;
      events.report("token_changed", deviceId, message);
    }
  }
}
