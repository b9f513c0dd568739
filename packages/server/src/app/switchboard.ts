import type { IssuedLink } from "../access/one-time-links.ts";
import { passwordCost as costOfToday } from "../access/passwords.ts";
import { systemClock } from "../base/clock.ts";
import { tryWithRoom } from "../base/database-file.ts";
import { randomId } from "../base/random-id.ts";
import { version } from "../base/version.ts";
import { createLog } from "../observe/log.ts";
import { warnOfOldSqlite } from "../observe/sqlite-version.ts";
import { type AccessParts, assembleAccess } from "./assemble-access.ts";
import { type AlarmParts, assembleAlarms } from "./assemble-alarms.ts";
import { type AssembledCommands, assembleCommands } from "./assemble-commands.ts";
import { assembleDevices } from "./assemble-devices.ts";
import { assembleDoors } from "./assemble-doors.ts";
import { assembleHttp } from "./assemble-http.ts";
import { assembleMetrics } from "./assemble-metrics.ts";
import { assembleNetwork } from "./assemble-network.ts";
import { assembleObservation } from "./assemble-observation.ts";
import { assembleStore, type StoreParts } from "./assemble-store.ts";
import { assembleTelemetry } from "./assemble-telemetry.ts";
import type { Basis } from "./basis.ts";
import { Closing } from "./closing.ts";

import { openConfiguredStore } from "./open-store.ts";
import { restoreState } from "./restore.ts";
import { type Listening, startListening } from "./start-listening.ts";

/** What is built, and with which clock, chance, log and store; by default the machine's, and those that `config` names. */
export type SwitchboardOptions = Pick<Basis, "config"> & Partial<Basis>;

type Kept = "commandStore" | "events" | "store";
type Registered = "apiTokens" | "audit" | "devices" | "knownBrowsers" | "oneTimeLinks" | "people" | "revocations";

/** A running server. */
export interface Switchboard
  extends Pick<AccessParts, Registered | "sessions" | "shareLinks">,
    Pick<AssembledCommands, "outstanding">,
    Pick<AlarmParts, "alarms">,
    Pick<Basis, "log">,
    Pick<StoreParts, Kept>,
    Listening {
  /** The link that creates the administrator, behind `publicUrl`; null where there is one. A start makes a new one. */
  readonly setupLink: IssuedLink | null;
  /**
   * Ends everything in order: no new links, links closed with 1012, samples stored, store closed. Within 10 s; rejects with the first error when
   * all has been tried.
   */
  stop(): Promise<void>;
}

/** What a start does, in order: each step is given what there is, adds to it, and defers how that ends as soon as it is there. */
export const startSteps = {
  assembleNetwork,
  assembleAccess,
  assembleObservation,
  assembleStore,
  assembleDevices,
  assembleCommands,
  assembleAlarms,
  assembleTelemetry,
  restoreState,
  assembleDoors,
  assembleHttp,
  assembleMetrics,
  startListening,
};

/**
 * Builds the whole server in order, and opens it. The only place that names concrete adapters. Throws a `Failure`: `data_dir_in_use`,
 * `data_dir_not_writable`, `store_failed`, `audit_failed`, `port_in_use`, `address_not_available`, `invalid_config`.
 */
export async function startSwitchboard(options: SwitchboardOptions, steps = startSteps): Promise<Switchboard> {
  const { config, clock = systemClock, newId = randomId, log = createLog(config.log) } = options;
  const { openStore = (onRenewal) => openConfiguredStore(config, clock, log, { isServer: true, onRenewal }) } = options;
  const { passwordCost = costOfToday } = options;
  const basis: Basis = { config, clock, newId, log, openStore, passwordCost };
  const closing = new Closing(clock, log);
  const { defer } = closing;
  try {
    const network = steps.assembleNetwork(defer, basis);
    const access = steps.assembleAccess(defer, network);
    const observation = steps.assembleObservation(defer, access);
    const store = await steps.assembleStore(defer, observation);
    const devices = steps.assembleDevices(defer, store);
    const commands = steps.assembleCommands(defer, devices);
    const alarms = steps.assembleAlarms(defer, commands);
    const telemetry = steps.assembleTelemetry(defer, alarms);
    await steps.restoreState(defer, telemetry);
    const doors = steps.assembleDoors(defer, telemetry);
    const parts = await steps.assembleHttp(defer, doors);
    steps.assembleMetrics(defer, parts);
    const { url, publicUrl, reload } = await steps.startListening(defer, parts);
    warnOfOldSqlite(log);
    log.info({ version, url, data_dir: config.data_dir, devices: parts.devices.list().length }, "wattboard is ready");
    let stopped: Promise<void> | null = null;
    return {
      ...parts,
      url,
      publicUrl,
      setupLink: issueSetupLink(parts),
      reload,
      stop: () => (stopped ??= closing.close().then(() => log.info("stopped"))),
    };
  } catch (error) {
    // Of what does not end now the log tells; the error of the start was the first.
    await closing.close().catch(() => {});
    throw error;
  }
}

function issueSetupLink({ people, oneTimeLinks, log }: Pick<Switchboard, "people" | "oneTimeLinks" | "log">) {
  let link: IssuedLink | null = null;
  if (people.hasAdministrator || tryWithRoom(() => (link = oneTimeLinks.issue("setup", null)))) return link;
  log.warn("there is no room on the disk for a link that creates the administrator: wattboard user setup-link");
  return null;
}
