import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";

/** What a hash costs whoever guesses, in the words of RFC 9106. */
export interface PasswordCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** Argon2id with 19 MiB and two passes, the least that OWASP recommends: 25 ms and no more memory than a Raspberry Pi can spare. */
export const passwordCost: PasswordCost = { memoryKiB: 19_456, passes: 2 };
const parallelism = 1;
const hashBytes = 32;

const passwordCharactersMin = 12;
const passwordCharactersMax = 256;

/** Hashes that may wait for their turn; of one more, whoever is last by rank is refused. */
const waitingMaxDefault = 128;
/** The share of one core that hashing may take in the long run, so that guessing cannot slow the live lane down. */
const cpuShare = 0.05;
/** What may be spent at once before that share applies, ms. */
const creditMsMax = 500;
/** What a hash is taken to cost at most, ms; a Raspberry Pi needs some 200. */
const costMsMax = 250;

/** Who has their turn first: numbers that are compared one after the other, the lower goes first. Asked anew each time. */
export type Rank = () => readonly number[];
/** For whom nobody has to wait: who comes with a link, or is an administrator. */
const foremost: Rank = () => [-1];

interface WaitingHash {
  readonly rank: Rank;
  readonly derive: () => Promise<void>;
  readonly turnAway: () => void;
}

export const busy = "Many people sign in just now; try again in some seconds.";

/** What is wrong with a password that someone wants to have, in words; null where it can be used. */
export function describePasswordFault(password: string): string | null {
  const characters = [...normal(password)].length;
  if (characters < passwordCharactersMin) {
    return `The password has ${characters} characters; at least ${passwordCharactersMin} are needed. Some words in a row are easy to remember.`;
  }
  if (characters > passwordCharactersMax) return `A password has at most ${passwordCharactersMax} characters.`;
  return null;
}

/**
 * Hashes passwords with Argon2id in Node's thread pool, one at a time, and with no more than a twentieth of a core in the long run. A wrong
 * password, an unknown account and one without a password cost the same.
 */
export class Passwords {
  readonly #clock: Clock;
  readonly #waitingMax: number;
  readonly #cost: PasswordCost;
  readonly #waiting: WaitingHash[] = [];
  #isDeriving = false;
  #costMs = costMsMax;
  #creditMs = creditMsMax;
  #creditAtMs: number;

  constructor(clock: Clock, { waitingMax = waitingMaxDefault, cost = passwordCost } = {}) {
    this.#clock = clock;
    this.#waitingMax = waitingMax;
    this.#cost = cost;
    this.#creditAtMs = clock.monotonicMs();
  }

  /** Whether one of this rank would be let in: where all places are taken, only before somebody who waits. */
  hasRoom(rank: Rank): boolean {
    if (this.#waiting.length < this.#waitingMax) return true;
    const last = this.#last();
    return last !== undefined && compare(rank(), last.rank()) < 0;
  }

  /** The password's hash in PHC format. */
  async hash(password: string): Promise<string | Refusal> {
    const salt = randomBytes(16);
    const hash = await this.#derive(password, salt, this.#cost);
    if (!(hash instanceof Uint8Array)) return hash;
    const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replaceAll("=", "");
    return `$argon2id$v=19$m=${this.#cost.memoryKiB},t=${this.#cost.passes},p=${parallelism}$${encode(salt)}$${encode(hash)}`;
  }

  /** Whether it is the password of this hash; null: of an account that has none, or does not exist. */
  async matches(password: string, phc: string | null, rank: Rank = foremost): Promise<boolean | Refusal> {
    const { salt, hash, cost } = phc === null ? { ...nobody, cost: this.#cost } : readPhc(phc);
    const derived = await this.#derive(password, salt, cost, rank);
    if (!(derived instanceof Uint8Array)) return derived;
    return timingSafeEqual(derived, hash) && phc !== null;
  }

  #derive(password: string, salt: Uint8Array, cost: PasswordCost, rank = foremost): Promise<Uint8Array | Refusal> {
    if (!this.hasRoom(rank)) return Promise.resolve(refuse("too_many_attempts", busy));
    const last = this.#waiting.length < this.#waitingMax ? undefined : this.#last();
    if (last !== undefined) {
      this.#waiting.splice(this.#waiting.indexOf(last), 1);
      last.turnAway();
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | Refusal>();
    this.#waiting.push({
      rank,
      derive: () => this.#deriveNow(password, salt, cost).then(resolve, reject),
      turnAway: () => resolve(refuse("too_many_attempts", busy)),
    });
    void this.#deriveAll();
    return promise;
  }

  /** One at a time. Who is next is told when there is time for it, and not before. */
  async #deriveAll(): Promise<void> {
    if (this.#isDeriving) return;
    this.#isDeriving = true;
    while (this.#waiting.length > 0) {
      await this.#untilAffordable();
      const next = this.#outermost((order) => order < 0);
      if (next === undefined) break;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      await next.derive();
    }
    this.#isDeriving = false;
  }

  /** Whoever waits and has their turn last: of those that are equal, who came last. */
  #last(): WaitingHash | undefined {
    return this.#outermost((order) => order >= 0);
  }

  /** The one that goes beyond all others; `isBeyond` is told how the next one compares with the one found so far. */
  #outermost(isBeyond: (order: number) => boolean): WaitingHash | undefined {
    let [found] = this.#waiting;
    let rank = found?.rank() ?? [];
    for (const each of this.#waiting) {
      const other = each.rank();
      if (each === found || !isBeyond(compare(other, rank))) continue;
      found = each;
      rank = other;
    }
    return found;
  }

  async #deriveNow(password: string, nonce: Uint8Array, cost: PasswordCost): Promise<Uint8Array> {
    const startedAtMs = this.#clock.monotonicMs();
    const message = Buffer.from(normal(password)).subarray(0, 4 * passwordCharactersMax);
    const derived = await new Promise<Uint8Array>((resolve, reject) => {
      const { memoryKiB: memory, passes } = cost;
      const parameters = { message, nonce, parallelism, tagLength: hashBytes, memory, passes };
      argon2("argon2id", parameters, (error, hash) => (error === null ? resolve(hash) : reject(error)));
    });
    // On a busy machine a hash takes longer than it costs: the shortest of late is nearest to the truth, and gives way slowly.
    const tookMs = this.#clock.monotonicMs() - startedAtMs;
    this.#costMs = Math.min(tookMs, this.#costMs * 1.1);
    this.#creditMs -= this.#costMs;
    return derived;
  }

  async #untilAffordable(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#creditMs = Math.min(creditMsMax, this.#creditMs + (nowMs - this.#creditAtMs) * cpuShare);
    this.#creditAtMs = nowMs;
    if (this.#creditMs >= 0) return;
    await new Promise<void>((resolve) => this.#clock.after(-this.#creditMs / cpuShare, resolve));
  }
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (let at = 0; at < one.length; at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The same letters from every keyboard (NIST SP 800-63B §3.1.1.2). */
function normal(password: string): string {
  return password.normalize("NFKC");
}

/** What {@link Passwords.hash} wrote; it may have been with another cost than today's. */
function readPhc(phc: string): { readonly salt: Buffer; readonly hash: Buffer; readonly cost: PasswordCost } {
  const [, , , parameters = "", salt = "", hash = ""] = phc.split("$");
  const [, memoryKiB, passes] = /^m=(\d+),t=(\d+),/.exec(parameters) ?? [];
  return {
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
    cost: { memoryKiB: Number(memoryKiB), passes: Number(passes) },
  };
}

const nobody = { salt: randomBytes(16), hash: randomBytes(hashBytes) };
