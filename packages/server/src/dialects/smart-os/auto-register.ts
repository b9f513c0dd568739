import { type Refusal, refuse, smartOsDialect } from "@wattboard/protocol";
import type { Audit } from "../../access/audit/audit.ts";
import type { Clock } from "../../base/clock.ts";
import type { DeviceRegistry } from "../../devices/device-registry.ts";
import type { Log } from "../../observe/log.ts";

/** Devices registered in one turn of the event loop, in one transaction: some milliseconds. */
const atOnceMax = 100;

interface Waiting {
  readonly address: string;
  readonly outcome: Promise<Refusal | null>;
  settle(outcome: Refusal | null): void;
}

interface AutoRegisterParts {
  readonly audit: Audit;
  readonly clock: Pick<Clock, "nextTurn">;
  readonly devices: DeviceRegistry;
  readonly log: Log;
}

/** `smart_os.auto_register`: registers devices that nobody knows, as many as come at once together. */
export class AutoRegister {
  readonly #parts: AutoRegisterParts;
  readonly #registeredMax: number;
  /** By serial number; bounded by `registeredMax`. */
  readonly #waiting = new Map<string, Waiting>();

  /** With `registeredMax` registered devices no more are registered. */
  constructor(parts: AutoRegisterParts, registeredMax: number) {
    this.#parts = parts;
    this.#registeredMax = registeredMax;
  }

  /** Null once the device is registered, else why it is not. */
  register(serial: string, address: string): Promise<Refusal | null> {
    const known = this.#waiting.get(serial);
    if (known !== undefined) return known.outcome;
    if (this.#parts.devices.count + this.#waiting.size >= this.#registeredMax) {
      const detail = "smart_os.auto_register registers no more: see smart_os.registered_max.";
      return Promise.resolve(refuse("unknown_device", detail));
    }
    const { promise: outcome, resolve: settle } = Promise.withResolvers<Refusal | null>();
    if (this.#waiting.size === 0) this.#parts.clock.nextTurn(() => this.#registerSome());
    this.#waiting.set(serial, { address, outcome, settle });
    return outcome;
  }

  #registerSome(): void {
    const some: [string, Waiting][] = [];
    for (const each of this.#waiting) if (some.push(each) === atOnceMax) break;
    const outcomes = this.#outcomesOf(some);
    for (const [at, [serial, { settle }]] of some.entries()) {
      this.#waiting.delete(serial);
      settle(outcomes[at] ?? null);
    }
    if (this.#waiting.size > 0) this.#parts.clock.nextTurn(() => this.#registerSome());
  }

  #outcomesOf(some: readonly (readonly [string, Waiting])[]): (Refusal | null)[] {
    const { audit, devices, log } = this.#parts;
    const who = "smart_os.auto_register";
    try {
      audit.recordAll(some.map(([deviceId, { address }]) => ({ who, address, action: "device.add", deviceId })));
    } catch {
      return some.map(() => refuse("audit_unavailable"));
    }
    try {
      const properties = { [smartOsDialect.key]: smartOsDialect.value };
      const added = devices.addAll(some.map(([deviceId]) => ({ deviceId, properties })));
      for (const [serial, { address }] of some) log.info({ device_id: serial, address }, `device registered by ${who}`);
      return added.map((each) => ("code" in each && each.code !== "device_exists" ? each : null));
    } catch (error) {
      log.error({ err: error }, `${who} cannot write`);
      return some.map(() => refuse("audit_unavailable"));
    }
  }
}
