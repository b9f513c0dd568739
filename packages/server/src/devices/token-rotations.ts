import type { DatabaseSync, StatementSync } from "node:sqlite";
import { limits, type Refusal, refuse } from "@wattboard/protocol";
import { seal, unseal } from "../access/sealed-token.ts";
import { hashToken, nobody, type TokenHash, tokenMatches } from "../access/tokens.ts";
import type { Clock } from "../base/clock.ts";

/** A device's token as it is stored. */
export interface DeviceToken extends TokenHash {
  /** By which its successor is sealed for whoever has it; null: its device has not said that it takes tokens. */
  readonly sealKey: Uint8Array | null;
}

interface FormerToken extends DeviceToken {
  /** The newest token, which takes this one to read it (ADR 73). */
  readonly sealed: Uint8Array | null;
}

/** A device has a new token and has not come with it yet. */
export interface TokenRotation {
  /** Tokens of before, each as good as the new one until then. */
  readonly former: readonly FormerToken[];
  readonly untilMs: number;
}

export function deviceToken(token: string): DeviceToken {
  return { ...hashToken(token), sealKey: null };
}

/** Which tokens of before are still valid. In memory, written through to `access.db`; a row goes when its device has come with the new token. */
export class TokenRotations {
  readonly #clock: Clock;
  readonly #rotations = new Map<string, TokenRotation>();
  /** Those that have ended and whose rows the file still has. */
  readonly #ended = new Set<string>();
  readonly #save: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO token_rotation (device_id, former, until_ms) VALUES (?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM token_rotation WHERE device_id = ?");
    for (const row of database.prepare("SELECT * FROM token_rotation").all()) {
      this.#rotations.set(String(row.device_id), {
        former: unpackFormer(String(row.former)),
        untilMs: Number(row.until_ms),
      });
    }
  }

  /** The rotation of a device that has not ended. */
  find(deviceId: string): TokenRotation | undefined {
    const rotation = this.#rotations.get(deviceId);
    return rotation !== undefined && rotation.untilMs > this.#clock.wallMs() ? rotation : undefined;
  }

  /** By device, in the order of their ids. */
  ids(): string[] {
    return [...this.#rotations.keys()].filter((deviceId) => this.find(deviceId) !== undefined).sort();
  }

  /** Those whose time has come, which hold no longer. */
  overdue(): string[] {
    return [...this.#rotations.keys()].filter((deviceId) => this.find(deviceId) === undefined);
  }

  /**
   * The rotation of a device whose newest token is `newest` so far to `token`: the device may hold the newest or any of before. Null where it has
   * none.
   */
  next(deviceId: string, newest: DeviceToken | null, token: string, untilMs: number): TokenRotation | Refusal | null {
    if (newest === null) return null;
    const held = [...(this.find(deviceId)?.former ?? []), newest];
    if (held.length > limits.formerTokensMax) return refuse("rotation_unfinished");
    const former = held.map(({ salt, hash, sealKey }) => ({
      salt,
      hash,
      sealKey,
      sealed: sealKey === null ? null : seal(token, sealKey),
    }));
    return { former, untilMs };
  }

  /** The newest token, for a device that has come with this one of before; null where it was not sealed for it. */
  successorOf(deviceId: string, token: string): string | null {
    const former = this.find(deviceId)?.former.find((each) => tokenMatches(token, each));
    return former === undefined || former.sealed === null ? null : unseal(former.sealed, token, former.salt);
  }

  /** Writes a device's rotation to the file, or that there is none, within the caller's transaction; `keep` follows it. */
  write(deviceId: string, rotation: TokenRotation | null): void {
    if (rotation === null) this.#delete.run(deviceId);
    else this.#save.run(deviceId, packFormer(rotation.former), rotation.untilMs);
  }

  /** What was written holds from here on. */
  keep(deviceId: string, rotation: TokenRotation | null): void {
    this.#ended.delete(deviceId);
    if (rotation === null) this.#rotations.delete(deviceId);
    else this.#rotations.set(deviceId, rotation);
  }

  /** Ends a rotation at once in memory; the file has it with the next `saveEnded`. Gives whether there was one. */
  end(deviceId: string): boolean {
    const wasThere = this.#rotations.delete(deviceId);
    if (wasThere) this.#ended.add(deviceId);
    return wasThere;
  }

  get unsavedCount(): number {
    return this.#ended.size;
  }

  saveEnded(): void {
    for (const deviceId of [...this.#ended]) {
      this.#delete.run(deviceId);
      this.#ended.delete(deviceId);
    }
  }

  /** Whether it is a token of before. Takes the same time for a device that has none. */
  isFormer(deviceId: string, token: string): boolean {
    const former = this.find(deviceId)?.former ?? [];
    let isOne = false;
    for (let at = 0; at < limits.formerTokensMax; at++) {
      if (tokenMatches(token, former[at] ?? nobody)) isOne = true;
    }
    return isOne;
  }
}

type PackedToken = readonly [salt: string, hash: string, sealKey: string | null, sealed: string | null];

function packFormer(former: readonly FormerToken[]): string {
  return JSON.stringify(
    former.map(({ salt, hash, sealKey, sealed }) =>
      [salt, hash, sealKey, sealed].map((bytes) => bytes && base64(bytes)),
    ),
  );
}

function unpackFormer(text: string): FormerToken[] {
  return (JSON.parse(text) as PackedToken[]).map(([salt, hash, sealKey, sealed]) => ({
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
    sealKey: sealKey === null ? null : Buffer.from(sealKey, "base64"),
    sealed: sealed === null ? null : Buffer.from(sealed, "base64"),
  }));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
