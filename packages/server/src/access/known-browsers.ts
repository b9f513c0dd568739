import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { secretKey } from "./secret-key.ts";
import { generateToken } from "./tokens.ts";

/** A browser in which somebody has signed in before. */
export interface KnownBrowser {
  readonly key: string;
  readonly person: string;
  /** From where they did last, as `addressPrefix` has it. */
  readonly address: string;
  readonly seenAtMs: number;
}

/** Browsers remembered of one person; one more takes the place of the one that was not used for longest. */
const browsersPerPersonMax = 20;
/** Browsers keep no cookie for longer. */
export const knownBrowserMs = 400 * 24 * 3_600_000;

/**
 * Browsers and addresses from where people have signed in, known by a cookie that stays when they sign out. It lets nobody in: it keeps a place for
 * them while strangers guess. In memory, written through to `access.db`.
 */
export class KnownBrowsers {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, KnownBrowser>();
  readonly #byPerson = new Map<string, Set<string>>();
  readonly #save: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO known_browser (key, person, address, seen_at_ms) VALUES (?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM known_browser WHERE key = ?");
    database.prepare("DELETE FROM known_browser WHERE seen_at_ms <= ?").run(clock.wallMs() - knownBrowserMs);
    for (const row of database.prepare("SELECT * FROM known_browser ORDER BY seen_at_ms").all()) {
      this.#keep({
        key: String(row.key),
        person: String(row.person),
        address: String(row.address),
        seenAtMs: Number(row.seen_at_ms),
      });
    }
  }

  /** Somebody has signed in: the secret of the browser's cookie from now on, which is the one it had where that is theirs. */
  remember(person: string, address: string, before: string | null): string {
    const known = before === null ? undefined : this.find(before);
    const secret = before !== null && known?.person === person ? before : generateToken();
    const key = secretKey(secret);
    this.#forgetKey(key);
    const keys = this.#byPerson.get(person) ?? new Set();
    const [stalest] = keys;
    if (keys.size >= browsersPerPersonMax && stalest !== undefined) this.#forgetKey(stalest);
    const browser = { key, person, address, seenAtMs: this.#clock.wallMs() };
    this.#save.run(key, person, address, browser.seenAtMs);
    this.#keep(browser);
    return secret;
  }

  find(secret: string): KnownBrowser | undefined {
    return this.#byKey.get(secretKey(secret));
  }

  /** Whether the person has signed in from this address. */
  isKnownAddress(person: string, address: string): boolean {
    for (const key of this.#byPerson.get(person) ?? []) if (this.#byKey.get(key)?.address === address) return true;
    return false;
  }

  forgetPerson(person: string): void {
    for (const key of this.#byPerson.get(person) ?? []) this.#forgetKey(key);
  }

  /** In the order in which they were seen. */
  #keep(browser: KnownBrowser): void {
    this.#byKey.set(browser.key, browser);
    const keys = this.#byPerson.get(browser.person);
    if (keys === undefined) this.#byPerson.set(browser.person, new Set([browser.key]));
    else keys.add(browser.key);
  }

  #forgetKey(key: string): void {
    const browser = this.#byKey.get(key);
    if (browser === undefined) return;
    this.#delete.run(key);
    this.#byKey.delete(key);
    const keys = this.#byPerson.get(browser.person);
    keys?.delete(key);
    if (keys?.size === 0) this.#byPerson.delete(browser.person);
  }
}
