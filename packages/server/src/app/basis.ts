import type { PasswordCost } from "../access/passwords.ts";
import type { Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import type { Store, StoreRenewal } from "../store/store.ts";

/** What a server is built from. */
export interface Basis {
  readonly config: Config;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  /** The listener is told how far the store is with what it makes anew. */
  readonly openStore: (onRenewal: (renewal: StoreRenewal) => void) => Promise<Store>;
  /** No setting: tests alone make passwords cheaper to guess. */
  readonly passwordCost: PasswordCost;
}
