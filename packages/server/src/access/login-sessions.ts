import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { dropExpired } from "./drop-expired.ts";
import type { Revocations } from "./revocations.ts";
import { secretKey } from "./secret-key.ts";
import { generateToken } from "./tokens.ts";

/** One browser in which a person is signed in. */
export interface LoginSession {
  readonly key: string;
  readonly person: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** From where they signed in. */
  readonly address: string;
}

/** Browsers in which one person may be signed in; one more signs out the oldest. */
const sessionsPerPersonMax = 20;

/** Who is signed in. In memory, written through to `access.db`, so that a restart signs nobody out. */
export class LoginSessions {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #byKey = new Map<string, LoginSession>();
  readonly #byPerson = new Map<string, Set<LoginSession>>();
  readonly #revocations: Revocations;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, clock: Clock, ttlMs: number, revocations: Revocations) {
    this.#clock = clock;
    this.#revocations = revocations;
    this.#ttlMs = ttlMs;
    this.#insert = database.prepare(
      "INSERT INTO session (key, person, created_at_ms, expires_at_ms, address) VALUES (?, ?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM session WHERE key = ?");
    const nowMs = clock.wallMs();
    for (const row of database
      .prepare("SELECT * FROM session WHERE expires_at_ms > ? ORDER BY created_at_ms")
      .all(nowMs)) {
      this.#keep({
        key: String(row.key),
        person: String(row.person),
        createdAtMs: Number(row.created_at_ms),
        expiresAtMs: Number(row.expires_at_ms),
        address: String(row.address),
      });
    }
    revocations.enforceWith("session", (key) => {
      const session = this.#byKey.get(key);
      if (session !== undefined) this.#forget(session);
      this.#delete.run(key);
    });
    dropExpired(database, "session", nowMs);
  }

  /** Signs the person in; the secret goes into the cookie and nowhere else. */
  begin(person: string, address: string): { readonly session: LoginSession; readonly secret: string } {
    const secret = generateToken();
    const createdAtMs = this.#clock.wallMs();
    const session = { key: secretKey(secret), person, createdAtMs, expiresAtMs: createdAtMs + this.#ttlMs, address };
    const [oldest] = this.#byPerson.get(person) ?? [];
    if (oldest !== undefined && this.of(person).length >= sessionsPerPersonMax) this.end(oldest);
    this.#insert.run(session.key, person, createdAtMs, session.expiresAtMs, address);
    this.#keep(session);
    return { session, secret };
  }

  find(secret: string): LoginSession | undefined {
    const session = this.#byKey.get(secretKey(secret));
    return session !== undefined && this.isCurrent(session) ? session : undefined;
  }

  /** Whether the session has neither ended nor expired. */
  isCurrent(session: LoginSession): boolean {
    return this.#byKey.get(session.key) === session && session.expiresAtMs > this.#clock.wallMs();
  }

  /** Oldest first. */
  of(person: string): LoginSession[] {
    for (const session of this.#byPerson.get(person) ?? []) if (!this.isCurrent(session)) this.end(session);
    return [...(this.#byPerson.get(person) ?? [])];
  }

  /** Also while the disk is full. */
  end(session: LoginSession): void {
    this.#forget(session);
    // One that has expired needs no note: it is not read any more.
    if (session.expiresAtMs <= this.#clock.wallMs()) return;
    this.#revocations.save("session", session.key, "", () => this.#delete.run(session.key));
  }

  #forget(session: LoginSession): void {
    this.#byKey.delete(session.key);
    const sessions = this.#byPerson.get(session.person);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#byPerson.delete(session.person);
  }

  /** Signs the person out everywhere, or everywhere but here. */
  endAll(person: string, except: LoginSession | null = null): void {
    for (const session of this.of(person)) if (session !== except) this.end(session);
  }

  #keep(session: LoginSession): void {
    this.#byKey.set(session.key, session);
    const sessions = this.#byPerson.get(session.person);
    if (sessions === undefined) this.#byPerson.set(session.person, new Set([session]));
    else sessions.add(session);
  }
}
