import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { inTransaction } from "../base/transaction.ts";
import { addressPrefix } from "./address-prefix.ts";
import { AttemptLimit } from "./attempt-limit.ts";
import { generateClaimCode, hashToken, nobody, type TokenHash, tokenMatches } from "./tokens.ts";

/** Whoever has claimed a device: a later account of the same name is somebody else. */
export interface ClaimOwner {
  readonly name: string;
  readonly sinceMs: number;
}

/** The code of a device's label, and whose the device is by it. */
export interface Claim {
  readonly code: TokenHash;
  readonly labelledAtMs: number;
  readonly owner: ClaimOwner | null;
  readonly claimedAtMs: number | null;
}

/** Who has an account today. */
interface Accounts {
  find(name: string): { readonly createdAtMs: number } | undefined;
}

/** Wrong codes from one address; then nothing may be tried from there. */
const perAddress = { burst: 10, everyMs: 30_000 };
/** Wrong codes for one device, whether there is one of the id or not; then they are told apart from no others. */
const perDevice = { burst: 5, everyMs: 10 * 60_000 };

/**
 * Codes with which whoever holds a box takes the device over, and who has. In memory, written through to `access.db`. A code has 100 random bits:
 * wrong ones are bounded for what they cost and tell, and never keep the right one out, or anybody who knows an id could keep the buyer out.
 */
export class Claims {
  readonly #clock: Clock;
  readonly #accounts: Accounts;
  readonly #database: DatabaseSync;
  readonly #claims = new Map<string, Claim>();
  readonly #save: StatementSync;
  readonly #delete: StatementSync;
  readonly #byAddress: AttemptLimit;
  readonly #byDevice: AttemptLimit;

  constructor(database: DatabaseSync, clock: Clock, accounts: Accounts) {
    this.#clock = clock;
    this.#accounts = accounts;
    this.#database = database;
    this.#byAddress = new AttemptLimit(clock, perAddress);
    this.#byDevice = new AttemptLimit(clock, perDevice);
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO claim (device_id, code_salt, code_hash, labelled_at_ms, owner, owner_since_ms, claimed_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM claim WHERE device_id = ?");
    for (const row of database.prepare("SELECT * FROM claim").all()) {
      this.#claims.set(String(row.device_id), {
        code: { salt: row.code_salt as Uint8Array, hash: row.code_hash as Uint8Array },
        labelledAtMs: Number(row.labelled_at_ms),
        owner: row.owner === null ? null : { name: String(row.owner), sinceMs: Number(row.owner_since_ms) },
        claimedAtMs: row.claimed_at_ms === null ? null : Number(row.claimed_at_ms),
      });
    }
  }

  find(deviceId: string): Claim | undefined {
    return this.#claims.get(deviceId);
  }

  /** Whoever has claimed the device and still has their account; null: nobody. */
  ownerOf(deviceId: string): ClaimOwner | null {
    const owner = this.#claims.get(deviceId)?.owner ?? null;
    return owner !== null && this.#accounts.find(owner.name)?.createdAtMs === owner.sinceMs ? owner : null;
  }

  /** Gives devices new codes in one transaction; those that they had are void. One that somebody has claimed gets none. */
  label(deviceIds: readonly string[]): (string | Refusal)[] {
    const labelledAtMs = this.#clock.wallMs();
    const made = deviceIds.map((deviceId) => {
      if (this.ownerOf(deviceId) !== null) return { deviceId, code: refuse("device_claimed"), claim: null };
      const code = generateClaimCode();
      const hash = hashToken(normalClaimCode(code));
      return { deviceId, code, claim: { code: hash, labelledAtMs, owner: null, claimedAtMs: null } };
    });
    inTransaction(this.#database, () => {
      for (const { deviceId, claim } of made) if (claim !== null) this.#write(deviceId, claim);
    });
    for (const { deviceId, claim } of made) if (claim !== null) this.#claims.set(deviceId, claim);
    return made.map(({ code }) => code);
  }

  /** How long the address has to wait before anything may be tried from there, ms. */
  waitMs(address: string): number {
    return this.#byAddress.waitMs(addressPrefix(address));
  }

  /** Whether it is the code of the device's label. Takes the same time for a device that has none, or does not exist. */
  isCode(deviceId: string, code: string): boolean {
    return tokenMatches(normalClaimCode(code), this.#claims.get(deviceId)?.code ?? nobody);
  }

  /** Counts a wrong code; gives whether they have become many for this device. */
  noteWrong(deviceId: string, address: string): boolean {
    this.#byAddress.take(addressPrefix(address));
    this.#byDevice.take(deviceId);
    return this.#byDevice.waitMs(deviceId) > 0;
  }

  /** The device is theirs from here on, and its code is used up. */
  claim(deviceId: string, owner: ClaimOwner): void {
    const claim = this.#claims.get(deviceId);
    if (claim === undefined) return;
    const claimed = { ...claim, owner, claimedAtMs: this.#clock.wallMs() };
    this.#write(deviceId, claimed);
    this.#claims.set(deviceId, claimed);
  }

  /** Nobody has the device, and no code is good for it. */
  release(deviceId: string): void {
    if (!this.#claims.has(deviceId)) return;
    this.#delete.run(deviceId);
    this.#claims.delete(deviceId);
  }

  #write(deviceId: string, { code, labelledAtMs, owner, claimedAtMs }: Claim): void {
    const [name, sinceMs] = [owner?.name ?? null, owner?.sinceMs ?? null];
    this.#save.run(deviceId, code.salt, code.hash, labelledAtMs, name, sinceMs, claimedAtMs);
  }
}

/** As it is compared: people type a code with or without dashes, in small letters, and with the letters that are taken for digits. */
export function normalClaimCode(text: string): string {
  return text.slice(0, 64).toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
}
