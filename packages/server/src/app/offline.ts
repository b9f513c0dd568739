import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { FastifyInstance } from "fastify";
import { accessFileName } from "../access/access-file.ts";
import { AddressList } from "../access/address-list.ts";
import { ApiTokens } from "../access/api-tokens.ts";
import { Audit, unarchived } from "../access/audit/audit.ts";
import { Authorizer } from "../access/authorizer.ts";
import { removeControlFile } from "../access/control-file.ts";
import { KnownBrowsers } from "../access/known-browsers.ts";
import { LoginSessions } from "../access/login-sessions.ts";
import { OneTimeLinks } from "../access/one-time-links.ts";
import { Outstanding, outstandingAccess } from "../access/outstanding.ts";
import { Passwords } from "../access/passwords.ts";
import { People } from "../access/people.ts";
import { Requesters } from "../access/requesters.ts";
import { Revocations } from "../access/revocations.ts";
import { ShareLinks } from "../access/share-links.ts";
import { SignIn } from "../access/sign-in.ts";
import { TrustedProxies } from "../access/trusted-proxies.ts";
import { noLiveDevices } from "../api/live-devices.ts";
import { registerAdministration, registerArchive } from "../api/register-api.ts";
import { systemClock } from "../base/clock.ts";
import { copyDatabase } from "../base/copy-database.ts";
import { readingFrom } from "../base/database-file.ts";
import { commandsFileName } from "../commands/command-database.ts";
import { CommandStoreClient } from "../commands/command-store-client.ts";
import type { Config } from "../config/config.ts";
import { DeviceRegistry } from "../devices/device-registry.ts";
import { AnswerBudget } from "../http/answer-budget.ts";
import { createInProcessApp } from "../http/in-process.ts";
import { createLog } from "../observe/log.ts";
import { Throttle } from "../observe/throttle.ts";
import { openDataFolder } from "./data-folder.ts";

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

/** No session is begun here. */
const sessionMs = 0;

/**
 * Opens the data folder as a server does, under the same lock, but listens nowhere and lets nothing else run. Throws a `Failure`:
 * `data_dir_in_use`, `data_dir_not_writable`, `data_damaged`, `audit_failed`, and with the store as `openConfiguredStore`.
 */
export async function openOffline({
  config,
  withStore,
  copiesIn = config.data_dir,
}: OfflineOptions): Promise<OfflineApp> {
  const { data_dir: dataDir } = config;
  const undo: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const accessFile = openDataFolder(dataDir);
    undo.push(() => accessFile.close());
    // Whoever holds the folder knows that no server does: this one was left behind by one that was killed.
    removeControlFile(dataDir);
    const revocations = new Revocations(dataDir);
    undo.push(() => revocations.close());
    const access = openAccess(dataDir, accessFile, revocations);
    const audit = new Audit(dataDir, systemClock, unarchived);
    undo.push(() => audit.close());
    revocations.settle((owed) => audit.recordOwed(owed));
    // Its log would be standard output, where an export goes; what fails is thrown.
    const log = createLog({ level: "silent" });
    const services = {
      ...access,
      audit,
      clock: systemClock,
      live: noLiveDevices,
      log,
      revocations,
      throttle: new Throttle(systemClock, 10_000),
    };
    const app = createInProcessApp();
    registerAdministration(app, services);
    if (withStore) {
      const { openConfiguredStore } = await import("./switchboard.ts");
      const store = await openConfiguredStore(config, systemClock, log);
      undo.push(() => store.close());
      registerArchive(app, {
        ...services,
        budget: new AnswerBudget({ bytesMax: Number.POSITIVE_INFINITY, bytesMaxEach: Number.POSITIVE_INFINITY }),
        copyRest: (to) => copyRest(dataDir, { accessFile, audit }, to),
        dataDir: copiesIn,
        store,
      });
    }
    undo.push(() => app.close());
    await app.ready();
    return { app, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function openAccess(dataDir: string, accessFile: DatabaseSync, revocations: Revocations) {
  return readingFrom(join(dataDir, accessFileName), () => {
    const people = new People(accessFile, systemClock, revocations);
    const apiTokens = new ApiTokens(accessFile, systemClock, people, revocations);
    const requesters = new Requesters({ people, apiTokens });
    const devices = new DeviceRegistry(accessFile, systemClock, revocations);
    const knownBrowsers = new KnownBrowsers(accessFile, systemClock);
    const oneTimeLinks = new OneTimeLinks(accessFile, systemClock, requesters, revocations);
    const sessions = new LoginSessions(accessFile, systemClock, sessionMs, revocations);
    const shareLinks = new ShareLinks(accessFile, systemClock, requesters, revocations);
    const passwords = new Passwords(systemClock);
    const authorizer = new Authorizer(
      {
        dashboards: "people",
        origins: [],
        loopbackOnly: true,
        isInsecure: false,
        metricsFrom: new AddressList("access.metrics_from", []),
        localToken: randomBytes(32).toString("base64url"),
      },
      { apiTokens, people, sessions, shareLinks, proxies: new TrustedProxies([]) },
    );
    const outstanding = new Outstanding([outstandingAccess({ apiTokens, oneTimeLinks, requesters, shareLinks })]);
    const signIn = new SignIn(systemClock, { people, passwords, sessions, knownBrowsers });
    return {
      apiTokens,
      authorizer,
      devices,
      knownBrowsers,
      oneTimeLinks,
      outstanding,
      passwords,
      people,
      sessions,
      shareLinks,
      signIn,
    };
  });
}

/** Everything of a backup but the samples. */
async function copyRest(
  dataDir: string,
  { accessFile, audit }: { readonly accessFile: DatabaseSync; readonly audit: Audit },
  folder: string,
): Promise<void> {
  await audit.copyTo(folder);
  const commands = await CommandStoreClient.open(dataDir);
  await commands.copyTo(join(folder, commandsFileName)).finally(() => commands.close());
  await copyDatabase(accessFile, join(folder, accessFileName));
}
