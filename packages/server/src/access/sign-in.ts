import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { AttemptLimit } from "./attempt-limit.ts";
import { busy, type Passwords } from "./passwords.ts";
import { normalAccount, type People, type Person } from "./people.ts";
import type { Sessions } from "./sessions.ts";

/** A refusal that may say when to try again. */
export interface SignInRefusal extends Refusal {
  readonly retryAfterMs?: number;
}

const perAddress = { burst: 20, everyMs: 6_000 };
const perAccount = { burst: 10, everyMs: 60_000 };

/** Checks passwords, and bounds how often that can be tried from one address and for one account. */
export class SignIn {
  readonly #people: People;
  readonly #passwords: Passwords;
  readonly #sessions: Sessions;
  readonly #byAddress: AttemptLimit;
  readonly #byAccount: AttemptLimit;

  constructor(clock: Clock, people: People, passwords: Passwords, sessions: Sessions) {
    this.#people = people;
    this.#passwords = passwords;
    this.#sessions = sessions;
    this.#byAddress = new AttemptLimit(clock, perAddress);
    this.#byAccount = new AttemptLimit(clock, perAccount);
  }

  /** Why this address may not try just now, or null. Costs nothing, so that it can be asked before anything else is looked at. */
  refuseEarly(address: string): SignInRefusal | null {
    const waitMs = this.#byAddress.waitMs(address);
    if (waitMs > 0) return tooMany(waitMs);
    return this.#passwords.isFull ? refuse("too_many_attempts", busy) : null;
  }

  /** Counts a secret that was none, such as a link that is used up, against the address. */
  noteFailure(address: string): void {
    this.#byAddress.take(address);
  }

  /**
   * The person, where account (a name or an e-mail address) and password fit. Whether an account exists is told neither by the answer nor by
   * the time that it takes nor by the limit, which counts any account that is named.
   */
  async attempt(account: string, password: string, address: string): Promise<Person | SignInRefusal> {
    const person = this.#people.findAccount(account);
    const accountKey = this.#accountKey(account, person, address);
    const waitMs = Math.max(this.#byAddress.waitMs(address), this.#byAccount.waitMs(accountKey));
    if (waitMs > 0) return tooMany(waitMs);
    this.#byAddress.take(address);
    this.#byAccount.take(accountKey);
    const isRight = await this.#passwords.matches(password, person?.passwordHash ?? null);
    if (typeof isRight === "object") return isRight;
    // Meanwhile the person may be gone, or have another password.
    const present = this.#people.findAccount(account);
    if (!isRight || present === undefined || present.passwordHash !== person?.passwordHash) {
      return refuse("wrong_credentials");
    }
    this.#byAccount.forgive(accountKey);
    return present;
  }

  /**
   * By what was typed and not by whom it means, or the limit would tell that a name and an e-mail address belong together. Where the person
   * is signed in from this address, it counts by itself: whoever guesses from elsewhere cannot lock them out.
   */
  #accountKey(account: string, person: Person | undefined, address: string): string {
    const typed = normalAccount(account).slice(0, 256);
    const sessions = person === undefined ? [] : this.#sessions.of(person.name);
    return sessions.some((session) => session.address === address) ? `${typed} ${address}` : typed;
  }
}

function tooMany(waitMs: number): SignInRefusal {
  const seconds = Math.ceil(waitMs / 1_000);
  return { ...refuse("too_many_attempts", `Try again in ${seconds} s.`), retryAfterMs: waitMs };
}
