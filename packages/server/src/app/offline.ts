import type { FastifyInstance } from "fastify";
import { AddressList } from "../access/address-list.ts";
import { unarchived } from "../access/audit/audit.ts";
import { Authorizer } from "../access/authorizer.ts";
import { Outstanding, outstandingAccess } from "../access/outstanding.ts";
import { Passwords, passwordCost } from "../access/passwords.ts";
import { SignIn } from "../access/sign-in.ts";
import { TrustedProxies } from "../access/trusted-proxies.ts";
import { AlarmStoreClient } from "../alarms/alarm-store-client.ts";
import { noLiveDevices } from "../api/live-devices.ts";
import { registerAdministration, registerArchive } from "../api/register-api.ts";
import { systemClock } from "../base/clock.ts";
import { randomId } from "../base/random-id.ts";
import { zoneNamed } from "../base/time-zone.ts";
import { CommandStoreClient } from "../commands/command-store-client.ts";
import type { Config } from "../config/config.ts";
import { AnswerBudget } from "../http/answer-budget.ts";
import { createInProcessApp } from "../http/in-process.ts";
import { NotifyStoreClient } from "../notify/notify-store-client.ts";
import { createLog } from "../observe/log.ts";
import { Throttle } from "../observe/throttle.ts";
import { type AccessParts, assembleAccess } from "./assemble-access.ts";
import { Closing } from "./closing.ts";
import { copyAllButStore } from "./data-folder.ts";
import { openConfiguredStore } from "./open-store.ts";
import { publicUrlOf } from "./public-url.ts";

export interface OfflineOptions {
  readonly config: Config;
  /** Opens the store as well, for what is about samples; otherwise the registrations alone are opened, whatever the store is like. */
  readonly withStore: boolean;
  /** A folder for the copies of a backup; by default the data folder. */
  readonly copiesIn?: string | undefined;
}

/** `/api/v1` over a data folder that no server has: what needs nothing live. */
export interface OfflineApp {
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

/** Nobody else shares what is under way. */
const unbounded = { bytesMax: Number.POSITIVE_INFINITY, bytesMaxEach: Number.POSITIVE_INFINITY };

/**
 * Opens the data folder as a server does, under the same lock, but listens nowhere and lets nothing else run. Throws a `Failure`:
 * `data_dir_in_use`, `data_dir_not_writable`, `data_damaged`, `audit_failed`, and with the store as `openConfiguredStore`.
 */
export async function openOffline({
  config,
  withStore,
  copiesIn = config.data_dir,
}: OfflineOptions): Promise<OfflineApp> {
  const clock = systemClock;
  // Its log would be standard output, where an export goes; what fails is thrown.
  const log = createLog({ level: "silent" });
  const closing = new Closing(clock, log);
  const { defer } = closing;
  const openStore = () => openConfiguredStore(config, clock, log);
  try {
    const access = assembleAccess(defer, {
      ...noNetwork,
      publicUrl: publicUrlOf(config),
      config: { ...config, audit: { rows: unarchived.rowsMax, archives: unarchived.archivesMax } },
      clock,
      log,
      newId: randomId,
      openStore,
      passwordCost,
    });
    const services = administrationOf(access);
    const app = createInProcessApp();
    registerAdministration(app, services);
    if (withStore) {
      const store = await openStore();
      defer("the store", () => store.close());
      registerArchive(app, {
        ...services,
        budget: new AnswerBudget(unbounded),
        copyRest: (folder) => copyRest(access, folder),
        dataDir: copiesIn,
        timeZone: zoneNamed(config.site.time_zone),
        store,
      });
    }
    defer("the app", () => app.close());
    await app.ready();
    return { app, close: () => closing.close() };
  } catch (error) {
    await closing.close().catch(() => {});
    throw error;
  }
}

const noNetwork = {
  proxies: new TrustedProxies([]),
  metricsFrom: new AddressList("access.metrics_from", []),
  tls: null,
};

function administrationOf(access: AccessParts) {
  const { clock, metricsFrom, newId } = access;
  const passwords = new Passwords(clock, { cost: access.passwordCost });
  return {
    ...access,
    authorizer: new Authorizer(
      { dashboards: "people", origins: [], loopbackOnly: true, isInsecure: false, metricsFrom, localToken: newId(32) },
      access,
    ),
    live: noLiveDevices,
    outstanding: new Outstanding([outstandingAccess(access)]),
    passwords,
    signIn: new SignIn(clock, { ...access, passwords }),
    throttle: new Throttle(clock, 10_000),
  };
}

async function copyRest(access: AccessParts, folder: string): Promise<void> {
  const { config, clock } = access;
  await using stores = new AsyncDisposableStack();
  const commandStore = await CommandStoreClient.open(config.data_dir, clock);
  stores.defer(() => commandStore.close());
  const alarmStore = await AlarmStoreClient.open(config.data_dir, clock);
  stores.defer(() => alarmStore.close());
  const notifyStore = await NotifyStoreClient.open(config.data_dir, clock);
  stores.defer(() => notifyStore.close());
  await copyAllButStore({ ...access, commandStore, alarmStore, notifyStore }, folder);
}
