import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isDeviceId, isRefusal, type Refusal, refuse } from "@wattboard/protocol";
import { describeNameFault } from "../access/describe-name-fault.ts";
import type { Revocations } from "../access/revocations.ts";
import { sealKeyOf } from "../access/sealed-token.ts";
import { describeTokenFault, generateToken, nobody, type TokenHash, tokenMatches } from "../access/tokens.ts";
import type { Clock } from "../base/clock.ts";
import { inTransaction } from "../base/transaction.ts";
import { type Registration, readRegistrationKey } from "../store/registration.ts";
import { describePropertiesFault, propertiesMax } from "./device-properties.ts";
import { nextRegistration, registrationAs } from "./next-registration.ts";
import { type DeviceToken, deviceToken, type TokenRotation, TokenRotations } from "./token-rotations.ts";

export interface Device {
  readonly deviceId: string;
  readonly name: string;
  /** Free properties, given by an administrator: `country`, `place`, `time_zone`, `simulated`, … */
  readonly properties: Readonly<Record<string, string>>;
  /** What the device says of itself: `software_version`, `postcode`, … */
  readonly reported: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Under what its samples, events and commands are stored: no other device has it, not one of the same id either. */
  readonly registration: Registration;
  /** Null once revoked. */
  readonly token: DeviceToken | null;
}

export interface NewDevice {
  readonly deviceId: string;
  readonly name?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** A token of the operator's own; absent: one is made. */
  readonly token?: string | undefined;
  /** Whether it is the device that had the id last, or in its registration of that number, and goes on where that ended. */
  readonly keepHistory?: boolean | number | undefined;
}

export interface DeviceChange {
  readonly name?: string | undefined;
  /** Null takes the property away. */
  readonly properties?: Readonly<Record<string, string | null>> | undefined;
}

/** A device with its token in plain text, which is shown this once and nowhere kept. */
export interface Provisioned {
  readonly device: Device;
  readonly token: string;
  /** The number of the id's last registration, where that was another device, whose past is not shown as this one's. */
  readonly formerRegistration?: number;
}

/** What is to become of a device's token. */
export interface NewToken {
  readonly deviceId: string;
  /** A token of the operator's own; absent: one is made. */
  readonly token?: string | undefined;
}

/** With which of its tokens a device comes: `former` is one that was replaced and still holds. */
export type TokenAge = "newest" | "former";

/** Devices whose reported properties are written to the file in one go; the rest follows with the next. */
const savedAtOnceMax = 500;

/** What is shown of a device: what it says of itself, and over that what an administrator says. */
export function propertiesOf({
  properties,
  reported,
}: Pick<Device, "properties" | "reported">): Readonly<Record<string, string>> {
  return { ...reported, ...properties };
}

function withToken(device: Omit<Device, "token">, ownToken: string | undefined): Provisioned | Refusal {
  const fault = ownToken === undefined ? null : describeTokenFault(ownToken);
  if (fault !== null) return refuse("invalid_request", `The token cannot be used. ${fault}`);
  const token = ownToken ?? generateToken();
  return { device: { ...device, token: deviceToken(token) }, token };
}

/** The device, whose token this is, with what it takes to seal the next one for it. */
function withSealKey(device: Device, token: string): Device {
  return device.token === null
    ? device
    : { ...device, token: { ...device.token, sealKey: sealKeyOf(token, device.token.salt) } };
}

/** The registered devices and their tokens. All in memory, written through to `access.db`; only who holds that file may make one. */
export class DeviceRegistry {
  readonly #clock: Clock;
  readonly #devices = new Map<string, Device>();
  readonly #database: DatabaseSync;
  readonly #revocations: Revocations;
  readonly #rotations: TokenRotations;
  /** Devices whose reported properties the file does not have yet. */
  readonly #unsaved = new Set<string>();
  readonly #save: StatementSync;
  readonly #saveReported: StatementSync;
  readonly #delete: StatementSync;
  readonly #findFormer: StatementSync;
  readonly #noteFormer: StatementSync;
  readonly #noteEnded: StatementSync;
  #listener: (device: Device) => void = () => {};

  constructor(database: DatabaseSync, clock: Clock, revocations: Revocations) {
    this.#clock = clock;
    this.#database = database;
    this.#revocations = revocations;
    this.#rotations = new TokenRotations(database, clock);
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO device (device_id, name, properties, reported, created_at_ms, history_from_ms, registration, token_salt, token_hash, seal_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#saveReported = database.prepare("UPDATE device SET reported = ?, seal_key = ? WHERE device_id = ?");
    this.#delete = database.prepare("DELETE FROM device WHERE device_id = ?");
    // Ids that others have had: a few bytes for each device that was ever removed.
    this.#findFormer = database.prepare("SELECT * FROM former_device WHERE device_id = ?");
    const noteFormer = `INSERT INTO former_device (device_id, removed_at_ms, registration, registrations, history_from_ms)
      VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT DO UPDATE SET registrations = max(registrations, ?3)`;
    this.#noteFormer = database.prepare(noteFormer);
    this.#noteEnded = database.prepare(
      `${noteFormer}, removed_at_ms = ?2, registration = ?3, history_from_ms = CASE ?3 WHEN 1 THEN ?4 ELSE history_from_ms END`,
    );
    for (const row of database.prepare("SELECT * FROM device ORDER BY device_id").all()) {
      const salt = row.token_salt as Uint8Array | null;
      const hash = row.token_hash as Uint8Array | null;
      this.#devices.set(String(row.device_id), {
        deviceId: String(row.device_id),
        name: String(row.name),
        properties: JSON.parse(String(row.properties)),
        reported: JSON.parse(String(row.reported)),
        createdAtMs: Number(row.created_at_ms),
        registration: registrationAs(String(row.device_id), Number(row.registration), row),
        token: salt === null || hash === null ? null : { salt, hash, sealKey: row.seal_key as Uint8Array | null },
      });
    }
    revocations.enforceWith("device", (deviceId, mark) => {
      const device = this.#devices.get(deviceId);
      if (device === undefined || (device.token !== null && markOf(device.token) !== mark)) return;
      this.#devices.set(deviceId, { ...device, token: null });
      this.#write({ ...device, token: null });
      this.#rotations.write(deviceId, null);
      this.#rotations.keep(deviceId, null);
    });
  }

  /** Has the listener told of each device that is registered or changed by an administrator. */
  watch(listener: (device: Device) => void): void {
    this.#listener = listener;
  }

  /** Registers a device. One whose id another has had begins anew, unless `keepHistory` says otherwise. */
  add(device: NewDevice): Provisioned | Refusal {
    const made = this.#make(device);
    if (!isRefusal(made)) this.#put(made.device);
    return made;
  }

  /**
   * Registers devices in one transaction. Those that come by themselves need not wait for the disk: who is lost by a failing power supply comes
   * again. None may be named twice.
   */
  addAll(devices: readonly NewDevice[], { isDurable = false } = {}): (Provisioned | Refusal)[] {
    const made = devices.map((device) => this.#make(device));
    if (!isDurable) this.#database.exec("PRAGMA synchronous = NORMAL");
    try {
      inTransaction(this.#database, () => {
        for (const each of made) if (!isRefusal(each)) this.#write(each.device);
      });
    } finally {
      this.#database.exec("PRAGMA synchronous = FULL");
    }
    for (const each of made) if (!isRefusal(each)) this.#devices.set(each.device.deviceId, each.device);
    return made;
  }

  #make({ deviceId, name, properties, token, keepHistory = false }: NewDevice): Provisioned | Refusal {
    if (!isDeviceId(deviceId)) {
      return refuse(
        "invalid_request",
        "A device id has 1 to 64 of A-Z a-z 0-9 _ . - and starts with a letter or a digit.",
      );
    }
    const fault = describeNameFault(name) ?? describePropertiesFault(properties);
    if (fault !== null) return refuse("invalid_request", fault);
    if (this.#devices.has(deviceId)) return refuse("device_exists", "To give it a new token, rotate it.");
    const former = this.#findFormer.get(deviceId);
    const registration = nextRegistration(deviceId, former, keepHistory);
    if (isRefusal(registration)) return registration;
    const device = {
      deviceId,
      name: name ?? deviceId,
      properties: properties ?? {},
      reported: {},
      createdAtMs: this.#clock.wallMs(),
      registration,
    };
    const made = withToken(device, token);
    if (isRefusal(made) || former === undefined || keepHistory !== false) return made;
    return { ...made, formerRegistration: Number(former.registration) };
  }

  /** Changes the device's name, or properties that an administrator gives; null takes one away. */
  change(deviceId: string, { name, properties = {} }: DeviceChange): Device | Refusal {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return refuse("unknown_device");
    const merged = Object.entries({ ...device.properties, ...properties }).filter(([, value]) => value !== null);
    const given = Object.fromEntries(merged) as Record<string, string>;
    const fault = describeNameFault(name) ?? describePropertiesFault(given);
    if (fault !== null) return refuse("invalid_request", fault);
    return this.#put({ ...device, name: name ?? device.name, properties: given });
  }

  /**
   * Gives the device a new token. The one before holds for `overlapMs` more, or until the device has come with the new one (`endRotation`); without
   * that it is void at once.
   */
  rotate(deviceId: string, token?: string, overlapMs = 0): Provisioned | Refusal {
    const [rotated = refuse("unknown_device")] = this.rotateAll([{ deviceId, token }], overlapMs);
    return rotated;
  }

  /** As `rotate`, for many in one transaction; each has its own outcome. */
  rotateAll(wanted: readonly NewToken[], overlapMs: number): (Provisioned | Refusal)[] {
    const untilMs = this.#clock.wallMs() + overlapMs;
    const rotated = wanted.map(({ deviceId, token }) => this.#rotated(deviceId, token, untilMs, overlapMs > 0));
    const done = rotated.flatMap((each) => (isRefusal(each) ? [] : [each]));
    inTransaction(this.#database, () => {
      for (const { device, rotation } of done) {
        this.#write(device);
        this.#rotations.write(device.deviceId, rotation);
      }
    });
    for (const { device, rotation } of done) {
      this.#rotations.keep(device.deviceId, rotation);
      this.#devices.set(device.deviceId, device);
      this.#listener(device);
    }
    return rotated;
  }

  #rotated(
    deviceId: string,
    wanted: string | undefined,
    untilMs: number,
    isOverlapping: boolean,
  ): (Provisioned & { readonly rotation: TokenRotation | null }) | Refusal {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return refuse("unknown_device");
    const made = withToken(device, wanted);
    if (isRefusal(made)) return made;
    if (!isOverlapping) return { ...made, rotation: null };
    const rotation = this.#rotations.next(deviceId, device.token, made.token, untilMs);
    if (isRefusal(rotation)) return rotation;
    // It may be rotated again before it has come with this one.
    const takesTokens = (device.token?.sealKey ?? null) !== null;
    return { ...made, device: takesTokens ? withSealKey(made.device, made.token) : made.device, rotation };
  }

  /** The device has come with its newest token: those of before are void. Gives whether there were any. */
  endRotation(deviceId: string): boolean {
    return this.#rotations.end(deviceId);
  }

  /** The device, which has come with this token, takes others over its link. */
  noteTakesTokens(deviceId: string, token: string): void {
    const device = this.#devices.get(deviceId);
    const newest = device?.token ?? null;
    if (device === undefined || newest === null || newest.sealKey !== null || !tokenMatches(token, newest)) return;
    this.#devices.set(deviceId, withSealKey(device, token));
    this.#unsaved.add(deviceId);
  }

  get rotations(): Pick<TokenRotations, "find" | "ids" | "overdue" | "successorOf"> {
    return this.#rotations;
  }

  /** Tells the device's newest token from others; no secret. */
  tokenIdOf(deviceId: string): string | null {
    const token = this.#devices.get(deviceId)?.token ?? null;
    return token === null ? null : markOf(token);
  }

  /** Voids the device's token, also while the disk is full; the device stays registered, and `rotate` lets it in again. */
  revoke(deviceId: string): Device | Refusal {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return refuse("unknown_device");
    if (device.token === null) return device;
    const revoked = { ...device, token: null };
    this.#devices.set(deviceId, revoked);
    this.#rotations.end(deviceId);
    this.#revocations.save("device", deviceId, markOf(device.token), () => {
      inTransaction(this.#database, () => {
        this.#write(revoked);
        this.#rotations.write(deviceId, null);
      });
    });
    return revoked;
  }

  /** Ends the device's registration; its samples stay in the store under its key, which a later device of its id does not have. */
  remove(deviceId: string): Device | Refusal {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return refuse("unknown_device");
    inTransaction(this.#database, () => {
      this.#note(this.#noteEnded, device.registration);
      this.#delete.run(deviceId);
      this.#rotations.write(deviceId, null);
    });
    this.#rotations.keep(deviceId, null);
    this.#devices.delete(deviceId);
    this.#unsaved.delete(deviceId);
    return device;
  }

  /**
   * Notes what a device says of itself: new values replace old ones of the same name. Gives the names that found no room, since a device has
   * at most 32 of them. The file has it with the next `saveReported`.
   */
  report(deviceId: string, said: Readonly<Record<string, string>>): string[] {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return [];
    const leftOut: string[] = [];
    const fresh = Object.entries(said).filter(([name, value]) => device.reported[name] !== value);
    if (fresh.length === 0) return leftOut;
    const reported: Record<string, string> = { ...device.reported };
    let count = Object.keys(reported).length;
    for (const [name, value] of fresh) {
      if (!Object.hasOwn(reported, name) && ++count > propertiesMax) leftOut.push(name);
      else reported[name] = value;
    }
    if (leftOut.length === fresh.length) return leftOut;
    this.#devices.set(deviceId, { ...device, reported });
    this.#unsaved.add(deviceId);
    return leftOut;
  }

  /** Writes what devices have said of themselves since the last time to the file, in one go: they may say it as often as they like. */
  saveReported(): void {
    this.#rotations.saveEnded();
    if (this.#unsaved.size === 0) return;
    const saved = [...this.#unsaved].slice(0, savedAtOnceMax);
    inTransaction(this.#database, () => {
      for (const deviceId of saved) {
        const { reported = {}, token = null } = this.#devices.get(deviceId) ?? {};
        this.#saveReported.run(JSON.stringify(reported), token?.sealKey ?? null, deviceId);
      }
    });
    for (const deviceId of saved) this.#unsaved.delete(deviceId);
  }

  /** Notes keys that have samples in the store and are no present device's: whoever gets one of their ids is another device. */
  noteFormer(keys: readonly string[]): void {
    inTransaction(this.#database, () => {
      for (const key of keys) this.#note(this.#noteFormer, { key, fromMs: 0 });
    });
  }

  /** Where the device's notes stand that the server itself makes (events, commands): under a key, and of them those from a time on, by its clock. */
  noteScopeOf(deviceId: string): { readonly key: string; readonly sinceMs: number } {
    const { key, fromMs } = this.registrationOf(deviceId);
    return { key, sinceMs: fromMs === 0 ? 0 : (this.#devices.get(deviceId)?.createdAtMs ?? 0) };
  }

  /** Whether a note that was made then under the key may be shown: not that of a registration that has ended, where its device's id has another now. */
  isShown(key: string, atMs: number): boolean {
    const { deviceId } = readRegistrationKey(key);
    if (!this.#devices.has(deviceId)) return true;
    const scope = this.noteScopeOf(deviceId);
    return scope.key === key && atMs >= scope.sinceMs;
  }

  /** The device of that registration; undefined where it has ended. */
  findRegistered(key: string): Device | undefined {
    const device = this.#devices.get(readRegistrationKey(key).deviceId);
    return device?.registration.key === key ? device : undefined;
  }

  /** The device's registration; where it has none, its last one. */
  registrationOf(deviceId: string): Registration {
    const device = this.#devices.get(deviceId);
    if (device !== undefined) return device.registration;
    const former = this.#findFormer.get(deviceId);
    return registrationAs(deviceId, Number(former?.registration ?? 1), former);
  }

  get unsavedCount(): number {
    return this.#unsaved.size + this.#rotations.unsavedCount;
  }

  find(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId);
  }

  ids(): Iterable<string> {
    return this.#devices.keys();
  }

  get count(): number {
    return this.#devices.size;
  }

  list(): Device[] {
    return [...this.#devices.values()];
  }

  /**
   * Which of the device's tokens this is; null: none of them. Takes the same time for a device that is unknown, or revoked, or sends no token at
   * all.
   */
  authenticate(deviceId: string, token: string | null): TokenAge | null {
    const newest = this.#devices.get(deviceId)?.token ?? null;
    const isNewest = tokenMatches(token ?? "", newest ?? nobody);
    const isFormer = this.#rotations.isFormer(deviceId, token ?? "");
    if (isNewest) return "newest";
    return isFormer && newest !== null ? "former" : null;
  }

  #note(former: StatementSync, { key, fromMs }: Registration): void {
    const { deviceId, number } = readRegistrationKey(key);
    former.run(deviceId, this.#clock.wallMs(), number, fromMs);
  }

  #put(device: Device): Device {
    this.#write(device);
    this.#devices.set(device.deviceId, device);
    this.#listener(device);
    return device;
  }

  #write(device: Device): void {
    const { deviceId, name, properties, reported, createdAtMs, registration, token } = device;
    const { number } = readRegistrationKey(registration.key);
    const [given, said] = [JSON.stringify(properties), JSON.stringify(reported)];
    const [salt, hash, sealKey] = [token?.salt ?? null, token?.hash ?? null, token?.sealKey ?? null];
    this.#save.run(deviceId, name, given, said, createdAtMs, registration.fromMs, number, salt, hash, sealKey);
  }
}

/** Tells this token from one that the device is given later. */
function markOf({ hash }: TokenHash): string {
  return Buffer.from(hash).toString("hex").slice(0, 16);
}
