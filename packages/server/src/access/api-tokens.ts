import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { localRequester, type Requester } from "../base/requester.ts";
import { describeNameFault } from "./describe-name-fault.ts";
import { type DeviceList, describeDevicesFault, packDevices, unpackDevices, withoutDevice } from "./device-list.ts";
import { hasRole, noDevices, type Principal, type Role } from "./principal.ts";
import { type RequesterSources, rightsOf } from "./requesters.ts";
import type { Revocations } from "./revocations.ts";
import { generateToken, hashToken, type TokenHash, tokenMatches } from "./tokens.ts";

export interface ApiToken {
  readonly name: string;
  readonly role: Role;
  readonly devices: DeviceList;
  readonly createdAtMs: number;
  /** Null: it does not expire. */
  readonly expiresAtMs: number | null;
  /** It ends when they are no administrator any more. Null: it was made before this was kept. */
  readonly madeBy: Requester | null;
}

interface Stored extends ApiToken {
  readonly token: TokenHash;
}

/** More than scripts need; checking a token costs one hash for each. */
const apiTokensMax = 100;
const ttlMsMin = 1_000;

/** Bearer tokens for scripts and dashboards, each with a role. In memory, written through to `access.db`. */
export class ApiTokens {
  readonly #clock: Clock;
  readonly #people: RequesterSources["people"];
  readonly #tokens = new Map<string, Stored>();
  readonly #revocations: Revocations;
  readonly #save: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, clock: Clock, people: RequesterSources["people"], revocations: Revocations) {
    this.#clock = clock;
    this.#people = people;
    this.#revocations = revocations;
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO api_token (name, role, devices, created_at_ms, expires_at_ms, token_salt, token_hash, made_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM api_token WHERE name = ?");
    for (const row of database.prepare("SELECT * FROM api_token ORDER BY name").all()) {
      this.#tokens.set(String(row.name), {
        name: String(row.name),
        role: String(row.role) as Role,
        devices: unpackDevices(row.devices),
        createdAtMs: Number(row.created_at_ms),
        expiresAtMs: row.expires_at_ms === null ? null : Number(row.expires_at_ms),
        madeBy: row.made_by === null ? null : (JSON.parse(String(row.made_by)) as Requester),
        token: { salt: row.token_salt as Uint8Array, hash: row.token_hash as Uint8Array },
      });
    }
    revocations.enforceWith("api_token", (name, mark) => {
      const stored = this.#tokens.get(name);
      if (stored !== undefined && String(stored.createdAtMs) !== mark) return;
      this.#tokens.delete(name);
      this.#delete.run(name);
    });
  }

  /** Makes a token; `ttlMs` null: it does not expire; `devices` null: all there are. The plain text is in the answer and nowhere else. */
  add(
    name: string,
    role: Role,
    ttlMs: number | null,
    devices: readonly string[] | null = null,
    madeBy: Requester = localRequester,
  ): { readonly name: string; readonly token: string } | Refusal {
    const fault = describeNameFault(name) ?? describeDevicesFault(role, devices);
    if (fault !== null) return refuse("invalid_request", fault);
    if (ttlMs !== null && ttlMs < ttlMsMin) return refuse("invalid_request", "A token is valid for at least a second.");
    if (this.#tokens.has(name)) return refuse("token_name_exists", "Remove it first, or choose another name.");
    if (this.#tokens.size >= apiTokensMax) {
      return refuse("invalid_request", `There are ${apiTokensMax} API tokens already; remove one first.`);
    }
    const createdAtMs = this.#clock.wallMs();
    const expiresAtMs = ttlMs === null ? null : createdAtMs + ttlMs;
    const token = generateToken();
    const given = devices === null ? null : new Set(devices);
    this.#put({ name, role, devices: given, createdAtMs, expiresAtMs, madeBy, token: hashToken(token) });
    return { name, token };
  }

  /** Also while the disk is full. */
  remove(name: string): ApiToken | Refusal {
    const stored = this.#tokens.get(name);
    if (stored === undefined) return refuse("not_found", `There is no API token named ${JSON.stringify(name)}.`);
    this.#tokens.delete(name);
    this.#revocations.save("api_token", name, String(stored.createdAtMs), () => this.#delete.run(name));
    return stored;
  }

  /** The token of this name, unless it has expired, or who made it may not have made it today. */
  find(name: string): ApiToken | undefined {
    const stored = this.#tokens.get(name);
    return stored !== undefined && this.#isCurrent(stored) ? stored : undefined;
  }

  list(): ApiToken[] {
    const byName = [...this.#tokens.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
    return byName.map(({ token: _, ...shown }) => shown);
  }

  /** A device that is gone is nobody's any more. */
  forgetDevice(deviceId: string): void {
    for (const stored of [...this.#tokens.values()]) {
      const devices = withoutDevice(stored.devices, deviceId);
      if (devices !== stored.devices) this.#put({ ...stored, devices });
    }
  }

  /** Who bears this token, or null. */
  authenticate(token: string): Principal | null {
    for (const stored of this.#tokens.values()) {
      if (!tokenMatches(token, stored.token)) continue;
      const { name, role, devices, createdAtMs: sinceMs } = stored;
      const isCurrent = () => this.#isCurrent(stored);
      return isCurrent() ? { kind: "token", name, sinceMs, role, devices, sharedDevices: noDevices, isCurrent } : null;
    }
    return null;
  }

  #isCurrent(stored: Stored): boolean {
    const { name, expiresAtMs, madeBy } = stored;
    if (this.#tokens.get(name) !== stored || (expiresAtMs !== null && expiresAtMs <= this.#clock.wallMs()))
      return false;
    return madeBy === null || hasRole(rightsOf(madeBy, { people: this.#people, apiTokens: this }), "admin");
  }

  #put(stored: Stored): void {
    const { name, role, devices, createdAtMs, expiresAtMs, madeBy, token } = stored;
    const by = madeBy === null ? null : JSON.stringify(madeBy);
    this.#save.run(name, role, packDevices(devices), createdAtMs, expiresAtMs, token.salt, token.hash, by);
    this.#tokens.set(name, stored);
  }
}
