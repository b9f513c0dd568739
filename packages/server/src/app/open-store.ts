import type { Clock } from "../base/clock.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import { Throttle } from "../observe/throttle.ts";
import type { BlockStoreLimits } from "../store/embedded/block-store.ts";
import { EmbeddedStore } from "../store/embedded/embedded-store.ts";
import { PostgresStore } from "../store/postgres/postgres-store.ts";
import type { Store, StoreRenewal } from "../store/store.ts";

interface StoreUser {
  /** Whether it goes on writing: a database has one such server. */
  readonly isServer?: boolean;
  readonly onRenewal?: (renewal: StoreRenewal) => void;
}

/** The store that `store.url` names; says what it is, and warns of what it cannot do. */
export async function openConfiguredStore(
  config: Config,
  clock: Clock,
  log: Log,
  { isServer = false, onRenewal = () => {} }: StoreUser = {},
): Promise<Store> {
  const throttle = new Throttle(clock, 60_000);
  const complain = (what: string): void => {
    const suppressed = throttle.pass(what);
    if (suppressed !== null) log.warn({ suppressed }, `the store: ${what}`);
  };
  const logRenewal = renewalLog(log);
  const tellRenewal = (renewal: StoreRenewal): void => {
    logRenewal(renewal);
    onRenewal(renewal);
  };
  if (config.store.url === "embedded") {
    return await EmbeddedStore.open(config.data_dir, storeLimits(config), complain, clock, tellRenewal);
  }
  const retentionMs = storeLimits(config).retentionMs;
  const store = await PostgresStore.open({
    url: config.store.url,
    retentionMs,
    clock,
    complain,
    onRenewal: tellRenewal,
  });
  try {
    if (isServer) await store.claim();
  } catch (error) {
    await store.close();
    throw error;
  }
  if (store.missing === null) log.info(`samples are kept in ${store.description}`);
  else log.warn(`samples are kept in ${store.description}`);
  if (!store.hasChecksums) {
    log.warn(
      "the database has no data checksums: what its disk changes is served as data. With the server of the database stopped: pg_checksums --enable",
    );
  }
  return store;
}

/** The embedded store's bounds, as they are set. */
export function storeLimits({ store }: Config): BlockStoreLimits {
  return {
    openBytesMax: store.memory_bytes,
    journalBytesMax: store.journal_bytes,
    retentionMs: store.retention_days * 86_400_000,
    bytesMax: store.bytes,
  };
}

/** Says once for each tenth how far the summaries are that are made anew, after their rule was changed. */
function renewalLog(log: Log): (renewal: StoreRenewal) => void {
  let told = -1;
  return ({ done, total }) => {
    const tenths = Math.floor((10 * done) / total);
    if (tenths === told) return;
    told = tenths;
    log.info({ done, total }, `the store: summaries of before are made anew, ${10 * tenths} % are done`);
  };
}
