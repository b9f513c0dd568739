import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { addressPrefix, networkPrefix } from "./address-prefix.ts";
import { AttemptLimit } from "./attempt-limit.ts";
import type { KnownBrowsers } from "./known-browsers.ts";
import type { LoginSessions } from "./login-sessions.ts";
import { busy, type Passwords, type Rank } from "./passwords.ts";
import { normalAccount, type People, type Person } from "./people.ts";

/** A refusal that may say when to try again. */
export interface SignInRefusal extends Refusal {
  readonly retryAfterMs?: number;
}

/** From where somebody tries. */
export interface SignInSource {
  readonly address: string;
  /** The secret of the cookie by which a browser is known, where there is one. */
  readonly browser: string | null;
}

interface SignInParts {
  readonly people: People;
  readonly passwords: Passwords;
  readonly sessions: LoginSessions;
  readonly knownBrowsers: KnownBrowsers;
}

/** By which keys an attempt is counted, and when it has its turn. */
interface SignInPlace {
  readonly key: string;
  readonly accountKey: string;
  readonly network: string;
  readonly rank: Rank;
}

const perAddress = { burst: 20, everyMs: 6_000 };
const perAccount = { burst: 10, everyMs: 60_000 };
/** Share links opened from one address. */
const openings = { burst: 60, everyMs: 2_000 };

/**
 * Checks passwords, and bounds how often that can be tried from one address and for one account. Where more is tried than can be checked, browsers
 * and addresses from which the person has signed in before come first, and then the networks that tried least of late: whoever guesses from many
 * addresses waits behind those who do not.
 */
export class SignIn {
  readonly #parts: SignInParts;
  readonly #byAddress: AttemptLimit;
  readonly #byAccount: AttemptLimit;
  /** Refuses nobody: tells who has tried more. */
  readonly #byNetwork: AttemptLimit;
  readonly #openings: AttemptLimit;

  constructor(clock: Clock, parts: SignInParts) {
    this.#parts = parts;
    this.#byAddress = new AttemptLimit(clock, perAddress);
    this.#byAccount = new AttemptLimit(clock, perAccount);
    this.#byNetwork = new AttemptLimit(clock, perAddress);
    this.#openings = new AttemptLimit(clock, openings);
  }

  /**
   * Why nothing may be tried from there just now, or null. `needsHash`: a password would be checked. Costs next to nothing, so that it can be asked
   * before anything else is looked at.
   */
  refuseEarly(source: SignInSource, needsHash: boolean): SignInRefusal | null {
    const { key, rank } = this.#placeBefore(source);
    const waitMs = this.#byAddress.waitMs(key);
    if (waitMs > 0) return tooMany(waitMs);
    return needsHash && !this.#parts.passwords.hasRoom(rank) ? refuse("too_many_attempts", busy) : null;
  }

  /** Counts a secret that was none, such as a link that is used up, against where it came from. */
  noteFailure(source: SignInSource): void {
    this.#byAddress.take(this.#placeBefore(source).key);
  }

  /** Counts that a share link is opened; why that may not be done just now, or null. */
  takeOpening(address: string): SignInRefusal | null {
    const key = addressPrefix(address);
    const waitMs = this.#openings.waitMs(key);
    if (waitMs > 0) return tooMany(waitMs);
    this.#openings.take(key);
    return null;
  }

  /**
   * The person, where account (a name or an e-mail address) and password fit. Whether an account exists is told neither by the answer nor by
   * the time that it takes nor by the limit, which counts any account that is named.
   */
  async attempt(account: string, password: string, source: SignInSource): Promise<Person | SignInRefusal> {
    const { people, passwords } = this.#parts;
    const person = people.findAccount(account);
    const { key, accountKey, network, rank } = this.#placeOf(source, account, person?.name);
    const waitMs = Math.max(this.#byAddress.waitMs(key), this.#byAccount.waitMs(accountKey));
    if (waitMs > 0) return tooMany(waitMs);
    this.#byAddress.take(key);
    this.#byAccount.take(accountKey);
    this.#byNetwork.take(network);
    const isRight = await passwords.matches(password, person?.passwordHash ?? null, rank);
    if (typeof isRight === "object") {
      // Nothing was tried.
      this.#byAddress.giveBack(key);
      this.#byAccount.giveBack(accountKey);
      this.#byNetwork.giveBack(network);
      return isRight;
    }
    // Meanwhile the person may be gone, or have another password.
    const present = people.findAccount(account);
    if (!isRight || present === undefined || present.passwordHash !== person?.passwordHash) {
      return refuse("wrong_credentials");
    }
    this.#byAccount.forgive(accountKey);
    return present;
  }

  /** As long as no account is named, a browser that is known to anybody counts as theirs. */
  #placeBefore(source: SignInSource): SignInPlace {
    const known = source.browser === null ? undefined : this.#parts.knownBrowsers.find(source.browser);
    return this.#placeOf(source, "", known?.person);
  }

  /**
   * The account counts by what was typed and not by whom it means, or the limit would tell that a name and an e-mail address belong together.
   * Where the person has signed in from before, it counts by itself: whoever guesses from elsewhere cannot lock them out, and has no part in their
   * turns.
   */
  #placeOf({ address, browser }: SignInSource, account: string, person: string | undefined): SignInPlace {
    const { knownBrowsers } = this.#parts;
    const typed = normalAccount(account).slice(0, 256);
    const prefix = addressPrefix(address);
    const cookie = browser === null || person === undefined ? undefined : knownBrowsers.find(browser);
    const known =
      cookie?.person === person && cookie !== undefined
        ? `browser ${cookie.key}`
        : person !== undefined && this.#isKnownAddress(person, prefix)
          ? prefix
          : null;
    const key = known ?? prefix;
    const network = known ?? networkPrefix(address);
    return {
      key,
      accountKey: known === null ? typed : `${typed} ${known}`,
      network,
      rank: () => [known === null ? 1 : 0, this.#byNetwork.usedMs(network), this.#byAddress.usedMs(key)],
    };
  }

  #isKnownAddress(person: string, prefix: string): boolean {
    const { knownBrowsers, sessions } = this.#parts;
    return (
      knownBrowsers.isKnownAddress(person, prefix) ||
      sessions.of(person).some(({ address }) => addressPrefix(address) === prefix)
    );
  }
}

function tooMany(waitMs: number): SignInRefusal {
  const seconds = Math.ceil(waitMs / 1_000);
  return { ...refuse("too_many_attempts", `Try again in ${seconds} s.`), retryAfterMs: waitMs };
}
