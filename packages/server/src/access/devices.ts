import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isDeviceId, limits, type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { isTimeZone } from "../base/time-zone.ts";
import { describeTokenFault, generateToken, hashToken, nobody, type TokenHash, tokenMatches } from "./tokens.ts";

export interface Device {
  readonly deviceId: string;
  readonly name: string;
  /** Free properties: `country`, `place`, `time_zone`, `simulated`, … */
  readonly properties: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Null once revoked. */
  readonly token: TokenHash | null;
}

export interface NewDevice {
  readonly deviceId: string;
  readonly name?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** A token of the operator's own; absent: one is made. */
  readonly token?: string | undefined;
}

/** A device with its token in plain text, which is shown this once and nowhere kept. */
export interface Provisioned {
  readonly device: Device;
  readonly token: string;
}

/** What people call a device or a token: bounded, since it stands in every list. */
const nameLengthMax = 120;
const propertiesMax = 32;
const propertyKey = new RegExp(`^[a-z][a-z0-9_]{0,${limits.nameLengthMax - 1}}$`);

/** What is wrong with a name, in words; null where it can be used. */
export function describeNameFault(name: string | undefined): string | null {
  if (name === undefined || (name.trim() !== "" && name.length <= nameLengthMax)) return null;
  return `A name has 1 to ${nameLengthMax} characters.`;
}

function describePropertiesFault(properties: Readonly<Record<string, string>> = {}): string | null {
  const entries = Object.entries(properties);
  if (entries.length > propertiesMax) return `A device has at most ${propertiesMax} properties.`;
  for (const [key, value] of entries) {
    if (!propertyKey.test(key)) {
      return `The property ${JSON.stringify(key)} must be 1 to ${limits.nameLengthMax} of a-z 0-9 _, first a letter.`;
    }
    if (value.length > limits.textLengthMax) {
      return `The property ${key} has ${value.length} characters; at most ${limits.textLengthMax} are allowed.`;
    }
    if (key === "time_zone" && !isTimeZone(value)) {
      return `The property time_zone must be the IANA name of a time zone, such as Europe/Vienna; ${JSON.stringify(value)} is none.`;
    }
  }
  return null;
}

/** The registered devices and their tokens. All in memory, written through to `access.db`; only who holds that file may make one. */
export class Devices {
  readonly #clock: Clock;
  readonly #devices = new Map<string, Device>();
  readonly #save: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO device (device_id, name, properties, created_at_ms, token_salt, token_hash) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM device WHERE device_id = ?");
    for (const row of database.prepare("SELECT * FROM device ORDER BY device_id").all()) {
      const salt = row.token_salt as Uint8Array | null;
      const hash = row.token_hash as Uint8Array | null;
      this.#devices.set(String(row.device_id), {
        deviceId: String(row.device_id),
        name: String(row.name),
        properties: JSON.parse(String(row.properties)),
        createdAtMs: Number(row.created_at_ms),
        token: salt === null || hash === null ? null : { salt, hash },
      });
    }
  }

  add({ deviceId, name, properties, token }: NewDevice): Provisioned | Refusal {
    if (!isDeviceId(deviceId)) {
      return refuse(
        "invalid_request",
        "A device id has 1 to 64 of A-Z a-z 0-9 _ . - and starts with a letter or a digit.",
      );
    }
    const fault = describeNameFault(name) ?? describePropertiesFault(properties);
    if (fault !== null) return refuse("invalid_request", fault);
    if (this.#devices.has(deviceId)) return refuse("device_exists", "To give it a new token, rotate it.");
    const device = {
      deviceId,
      name: name ?? deviceId,
      properties: properties ?? {},
      createdAtMs: this.#clock.wallMs(),
    };
    return this.#provision(device, token);
  }

  /** Gives the device a new token; the one before is void at once. */
  rotate(deviceId: string, token?: string): Provisioned | Refusal {
    const device = this.#devices.get(deviceId);
    return device === undefined ? refuse("unknown_device") : this.#provision(device, token);
  }

  /** Voids the device's token; the device stays registered, and `rotate` lets it in again. */
  revoke(deviceId: string): Device | Refusal {
    const device = this.#devices.get(deviceId);
    return device === undefined ? refuse("unknown_device") : this.#put({ ...device, token: null });
  }

  /** Forgets the device; its samples stay in the store. */
  remove(deviceId: string): Device | Refusal {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return refuse("unknown_device");
    this.#delete.run(deviceId);
    this.#devices.delete(deviceId);
    return device;
  }

  find(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId);
  }

  ids(): Iterable<string> {
    return this.#devices.keys();
  }

  list(): Device[] {
    return [...this.#devices.values()];
  }

  /** Whether this is the device's token. Takes the same time for a device that is unknown, or revoked, or sends no token at all. */
  authenticate(deviceId: string, token: string | null): boolean {
    const expected = this.#devices.get(deviceId)?.token ?? nobody;
    return tokenMatches(token ?? "", expected);
  }

  #provision(device: Omit<Device, "token">, ownToken: string | undefined): Provisioned | Refusal {
    const fault = ownToken === undefined ? null : describeTokenFault(ownToken);
    if (fault !== null) return refuse("invalid_request", `The token cannot be used. ${fault}`);
    const token = ownToken ?? generateToken();
    return { device: this.#put({ ...device, token: hashToken(token) }), token };
  }

  #put(device: Device): Device {
    const { deviceId, name, properties, createdAtMs, token } = device;
    this.#save.run(deviceId, name, JSON.stringify(properties), createdAtMs, token?.salt ?? null, token?.hash ?? null);
    this.#devices.set(deviceId, device);
    return device;
  }
}
