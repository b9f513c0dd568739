import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { Revocations } from "./revocations.ts";
import { secretKey } from "./secret-key.ts";
import { generateToken } from "./tokens.ts";

/** `setup` creates the administrator, `password` lets a person choose a password, `sign_in` signs a person in without one. */
export type OneTimeLinkKind = "setup" | "password" | "sign_in";

export interface OneTimeLink {
  readonly kind: OneTimeLinkKind;
  /** Null where it creates the administrator, who chooses a name. */
  readonly person: string | null;
  readonly expiresAtMs: number;
}

/** A link as it is handed over, which is done only once. The secret is the fragment, which no browser sends and no proxy logs. */
export interface IssuedLink {
  readonly path: string;
  readonly expiresAtMs: number;
}

const ttlMsByKind: Record<OneTimeLinkKind, number> = {
  setup: 24 * 3_600_000,
  password: 7 * 24 * 3_600_000,
  sign_in: 24 * 3_600_000,
};

/** Links that work once and not for ever. A newer one of the same kind for the same person voids the older, so they are bounded by the people. */
export class OneTimeLinks {
  readonly #clock: Clock;
  readonly #revocations: Revocations;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteOf: StatementSync;
  readonly #find: StatementSync;

  constructor(database: DatabaseSync, clock: Clock, revocations: Revocations) {
    this.#clock = clock;
    this.#revocations = revocations;
    this.#insert = database.prepare("INSERT INTO one_time_link (key, kind, person, expires_at_ms) VALUES (?, ?, ?, ?)");
    this.#delete = database.prepare("DELETE FROM one_time_link WHERE key = ?");
    this.#deleteOf = database.prepare(
      "DELETE FROM one_time_link WHERE expires_at_ms <= ?1 OR (person IS ?2 AND (kind = ?3 OR ?3 IS NULL))",
    );
    this.#find = database.prepare("SELECT kind, person, expires_at_ms FROM one_time_link WHERE key = ?");
    revocations.enforceWith("one_time_links", (person) => this.voidOf(person));
  }

  issue(kind: OneTimeLinkKind, person: string | null): IssuedLink {
    const secret = generateToken();
    const expiresAtMs = this.#clock.wallMs() + ttlMsByKind[kind];
    this.#deleteOf.run(this.#clock.wallMs(), person, kind);
    this.#insert.run(secretKey(secret), kind, person, expiresAtMs);
    return { path: `/welcome#${secret}`, expiresAtMs };
  }

  find(secret: string): OneTimeLink | Refusal {
    const row = this.#find.get(secretKey(secret));
    if (row === undefined || Number(row.expires_at_ms) <= this.#clock.wallMs()) return refuse("link_not_valid");
    return {
      kind: String(row.kind) as OneTimeLinkKind,
      person: row.person === null ? null : String(row.person),
      expiresAtMs: Number(row.expires_at_ms),
    };
  }

  /** Whoever calls this first has used the link up. */
  use(secret: string): boolean {
    return this.#delete.run(secretKey(secret)).changes === 1;
  }

  /** Voids whatever links a person still has; null: those that create an administrator. */
  voidOf(person: string | null): void {
    this.#deleteOf.run(this.#clock.wallMs(), person, null);
  }

  /** Voids whatever links somebody who is removed still has, also while the disk is full. */
  forget(person: string): void {
    this.#revocations.save("one_time_links", person, "", () => this.voidOf(person));
  }
}
