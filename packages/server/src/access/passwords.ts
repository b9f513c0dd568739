import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";

/** RFC 9106's Argon2id with 19 MiB and two passes, the least that OWASP recommends: 25 ms and no more memory than a Raspberry Pi can spare. */
const memoryKiB = 19_456;
const passes = 2;
const parallelism = 1;
const hashBytes = 32;

const passwordCharactersMin = 12;
const passwordCharactersMax = 256;

/** Hashes that may wait for their turn; one more is refused. */
const waitingMax = 16;
/** The share of one core that hashing may take in the long run, so that guessing cannot slow the live lane down. */
const cpuShare = 0.05;
/** What may be spent at once before that share applies, ms. */
const creditMsMax = 500;
/** What a hash is taken to cost at most, ms; a Raspberry Pi needs some 200. */
const costMsMax = 250;

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
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #costMs = costMsMax;
  #creditMs = creditMsMax;
  #creditAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#creditAtMs = clock.monotonicMs();
  }

  /** Whether one more would be refused. */
  get isFull(): boolean {
    return this.#waiting >= waitingMax;
  }

  /** The password's hash in PHC format. */
  async hash(password: string): Promise<string | Refusal> {
    const salt = randomBytes(16);
    const hash = await this.#derive(password, salt);
    if (!(hash instanceof Uint8Array)) return hash;
    const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replaceAll("=", "");
    return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${parallelism}$${encode(salt)}$${encode(hash)}`;
  }

  /** Whether it is the password of this hash; null: of an account that has none, or does not exist. */
  async matches(password: string, phc: string | null): Promise<boolean | Refusal> {
    const [, , , , salt = "", hash = ""] = (phc ?? "").split("$");
    const expected = Buffer.from(hash, "base64");
    const derived = await this.#derive(password, phc === null ? nobodysSalt : Buffer.from(salt, "base64"));
    if (!(derived instanceof Uint8Array)) return derived;
    return timingSafeEqual(derived, phc === null ? nobodysHash : expected) && phc !== null;
  }

  #derive(password: string, salt: Uint8Array): Promise<Uint8Array | Refusal> {
    if (this.isFull) return Promise.resolve(refuse("too_many_attempts", busy));
    this.#waiting++;
    const result = this.#last.then(() => this.#deriveNow(password, salt)).finally(() => this.#waiting--);
    this.#last = result.catch(() => {});
    return result;
  }

  async #deriveNow(password: string, salt: Uint8Array): Promise<Uint8Array> {
    await this.#untilAffordable();
    const startedAtMs = this.#clock.monotonicMs();
    const message = Buffer.from(normal(password)).subarray(0, 4 * passwordCharactersMax);
    const derived = await new Promise<Uint8Array>((resolve, reject) => {
      const parameters = { message, nonce: salt, parallelism, tagLength: hashBytes, memory: memoryKiB, passes };
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

/** The same letters from every keyboard (NIST SP 800-63B §3.1.1.2). */
function normal(password: string): string {
  return password.normalize("NFKC");
}

const nobodysSalt = randomBytes(16);
const nobodysHash = randomBytes(hashBytes);
