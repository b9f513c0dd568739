import { join } from "node:path";
import { accessFileName } from "../access/access-file.ts";
import { ApiTokens } from "../access/api-tokens.ts";
import { Audit } from "../access/audit/audit.ts";
import { Claims } from "../access/claims.ts";
import { removeControlFile } from "../access/control-file.ts";
import { KnownBrowsers } from "../access/known-browsers.ts";
import { LoginSessions } from "../access/login-sessions.ts";
import { OneTimeLinks } from "../access/one-time-links.ts";
import { People } from "../access/people.ts";
import { Requesters } from "../access/requesters.ts";
import { Revocations } from "../access/revocations.ts";
import { settleRevocations } from "../access/settle-revocations.ts";
import { ShareLinks } from "../access/share-links.ts";
import { readingFrom } from "../base/database-file.ts";
import { DeviceRegistry } from "../devices/device-registry.ts";
import type { NetworkParts } from "./assemble-network.ts";
import type { Defer } from "./closing.ts";
import { openDataFolder } from "./data-folder.ts";

/** A command of the command line has the folder for some milliseconds; a start waits for it this long. */
const folderWaitMs = 1_000;

export type AccessParts = ReturnType<typeof assembleAccess>;

/** Locks the data folder; who and what is registered there, what they may, and what they did. */
export function assembleAccess(defer: Defer, parts: NetworkParts) {
  const { config, clock, log } = parts;
  const accessFile = openDataFolder(config.data_dir, { clock, waitMs: folderWaitMs, tell: (what) => log.warn(what) });
  defer("the data folder", () => accessFile.close());
  // A server that was killed left its own behind, and nobody must find that address while this one starts.
  removeControlFile(config.data_dir);
  const revocations = new Revocations(config.data_dir);
  defer("the file of revocations", () => revocations.close());
  const registered = readingFrom(join(config.data_dir, accessFileName), () => {
    const people = new People(accessFile, clock, revocations);
    const apiTokens = new ApiTokens(accessFile, clock, people, revocations);
    const requesters = new Requesters({ people, apiTokens });
    return {
      devices: new DeviceRegistry(accessFile, clock, revocations),
      apiTokens,
      claims: new Claims(accessFile, clock, people),
      people,
      requesters,
      sessions: new LoginSessions(accessFile, clock, config.access.session_ms, revocations),
      oneTimeLinks: new OneTimeLinks(accessFile, clock, requesters, revocations),
      shareLinks: new ShareLinks(accessFile, clock, requesters, revocations),
      knownBrowsers: new KnownBrowsers(accessFile, clock),
    };
  });
  const audit = new Audit(config.data_dir, clock, {
    rowsMax: config.audit.rows,
    archivesMax: config.audit.archives,
  });
  defer("the audit", () => audit.close());
  defer("revocations that wait for the disk", settleRevocations(clock, revocations, audit));
  return { ...parts, ...registered, accessFile, audit, revocations };
}
