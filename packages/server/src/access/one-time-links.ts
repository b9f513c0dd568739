import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { localRequester, type Requester } from "../base/requester.ts";
import type { Requesters } from "./requesters.ts";
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
  /** It works while they are administrator. */
  readonly madeBy: Requester;
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
  readonly #requesters: Requesters;
  readonly #revocations: Revocations;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteOf: StatementSync;
  readonly #find: StatementSync;
  readonly #list: StatementSync;

  constructor(database: DatabaseSync, clock: Clock, requesters: Requesters, revocations: Revocations) {
    this.#clock = clock;
    this.#requesters = requesters;
    this.#revocations = revocations;
    this.#insert = database.prepare(
      "INSERT INTO one_time_link (key, kind, person, expires_at_ms, made_by) VALUES (?, ?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM one_time_link WHERE key = ?");
    this.#deleteOf = database.prepare(
      "DELETE FROM one_time_link WHERE expires_at_ms <= ?1 OR (person IS ?2 AND (kind = ?3 OR ?3 IS NULL))",
    );
    this.#find = database.prepare("SELECT * FROM one_time_link WHERE key = ?");
    this.#list = database.prepare("SELECT * FROM one_time_link WHERE expires_at_ms > ?");
    revocations.enforceWith("one_time_links", (person) => this.voidOf(person));
  }

  issue(kind: OneTimeLinkKind, person: string | null, madeBy: Requester = localRequester): IssuedLink {
    const secret = generateToken();
    const expiresAtMs = this.#clock.wallMs() + ttlMsByKind[kind];
    this.#deleteOf.run(this.#clock.wallMs(), person, kind);
    this.#insert.run(secretKey(secret), kind, person, expiresAtMs, JSON.stringify(madeBy));
    return { path: `/welcome#${secret}`, expiresAtMs };
  }

  find(secret: string): OneTimeLink | Refusal {
    const row = this.#find.get(secretKey(secret));
    const link = row === undefined ? undefined : readLink(row);
    const isValid =
      link !== undefined && link.expiresAtMs > this.#clock.wallMs() && this.#requesters.mayAdminister(link.madeBy);
    return isValid ? link : refuse("link_not_valid");
  }

  /** Those that have not expired; `key` voids one. */
  list(): (OneTimeLink & { readonly key: string })[] {
    return this.#list.all(this.#clock.wallMs()).map((row) => ({ ...readLink(row), key: String(row.key) }));
  }

  void(key: string): void {
    this.#delete.run(key);
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

function readLink(row: Record<string, SQLOutputValue>): OneTimeLink {
  return {
    kind: String(row.kind) as OneTimeLinkKind,
    person: row.person === null ? null : String(row.person),
    expiresAtMs: Number(row.expires_at_ms),
    // Links of earlier versions work for a week at most.
    madeBy: row.made_by === null ? localRequester : (JSON.parse(String(row.made_by)) as Requester),
  };
}
