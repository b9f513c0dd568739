import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type AllShareLinksBody,
  type ApiTokenBody,
  type AuditReportBody,
  type ChangedPersonBody,
  type DeviceBody,
  type DevicesBody,
  type IssuedLinkBody,
  type OutstandingBody,
  type PersonBody,
  type ProvisionedBody,
  type Refusal,
  type RemovedApiTokenBody,
  refuse,
  type ShareLinkBody,
  type WaitingDeviceBody,
} from "@wattboard/protocol";
import { accessFileName } from "../access/access-file.ts";
import { ApiTokens } from "../access/api-tokens.ts";
import { Audit, type AuditEntry, type AuditLimits } from "../access/audit/audit.ts";
import { readControlFile, removeControlFile } from "../access/control-file.ts";
import { KnownBrowsers } from "../access/known-browsers.ts";
import { LoginSessions } from "../access/login-sessions.ts";
import { OneTimeLinks } from "../access/one-time-links.ts";
import { Outstanding, outstandingAccess } from "../access/outstanding.ts";
import { describePasswordFault, Passwords } from "../access/passwords.ts";
import { type NewPerson, People, type PersonChange } from "../access/people.ts";
import type { Role } from "../access/principal.ts";
import { Requesters } from "../access/requesters.ts";
import { Revocations } from "../access/revocations.ts";
import { ShareLinks } from "../access/share-links.ts";
import { auditReportBody, csvOf, filterOf, ndjsonOf } from "../api/audit.ts";
import { apiTokenBody, deviceBody, provisionedBody } from "../api/device-bodies.ts";
import { outstandingBody, outstandingEntry } from "../api/outstanding-end.ts";
import { issuedLinkBody, personBody, removePerson, requesterOfPerson } from "../api/people.ts";
import { shareLinkBody } from "../api/share-links.ts";
import { openDataFolder } from "../app/data-folder.ts";
import { systemClock } from "../base/clock.ts";
import { readingFrom } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import { localRequester } from "../base/requester.ts";
import { settings } from "../config/config.ts";
import { type DeviceChange, DeviceRegistry, type NewDevice } from "../devices/device-registry.ts";
import { CommandRefused, unlessRefused } from "./report.ts";
import { type ApiTarget, apiTarget, requestApi, sendToApi } from "./request-api.ts";

export type AuditFormat = "csv" | "ndjson";

/** What the audit is asked for, as the API names it. */
export interface AuditQuery {
  readonly device?: string | undefined;
  readonly who?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** What the command line does to the registrations: through the server where one runs, else in the data folder itself. */
export interface AdminClient {
  /** The address of the server, where there is one. */
  readonly url?: string;
  addDevice(device: NewDevice): Promise<ProvisionedBody>;
  listDevices(): Promise<DeviceBody[]>;
  changeDevice(deviceId: string, change: DeviceChange): Promise<DeviceBody>;
  /** Devices that came to the SMART-OS door and are not registered; only a running server knows of them. */
  listWaiting(): Promise<WaitingDeviceBody[]>;
  acceptWaiting(deviceId: string): Promise<{ device_id: string; token: string }>;
  rotateToken(deviceId: string, token: string | undefined): Promise<{ device_id: string; token: string }>;
  revokeToken(deviceId: string): Promise<DeviceBody>;
  removeDevice(deviceId: string): Promise<DeviceBody>;
  addApiToken(
    name: string,
    role: Role,
    ttlMs: number | null,
    devices: readonly string[] | null,
  ): Promise<{ name: string; token: string }>;
  listApiTokens(): Promise<ApiTokenBody[]>;
  removeApiToken(name: string): Promise<RemovedApiTokenBody>;
  addPerson(person: NewPerson): Promise<{ person: PersonBody; link: IssuedLinkBody }>;
  listPeople(): Promise<PersonBody[]>;
  changePerson(name: string, change: PersonChange): Promise<ChangedPersonBody>;
  /** What ends when they are removed. Without a server it knows of no commands: these end when one starts. */
  outstandingOf(name: string): Promise<OutstandingBody>;
  removePerson(name: string): Promise<ChangedPersonBody>;
  setPassword(name: string, password: string): Promise<PersonBody>;
  /** A one-time link to choose a password. */
  issuePasswordLink(name: string): Promise<IssuedLinkBody>;
  /** A one-time link to create an administrator. */
  issueSetupLink(): Promise<IssuedLinkBody>;
  listShareLinks(): Promise<ShareLinkBody[]>;
  revokeShareLink(shareId: string): Promise<ShareLinkBody>;
  verifyAudit(): Promise<AuditReportBody>;
  /** The audit as text, newest first, in pieces. */
  exportAudit(format: AuditFormat, query: AuditQuery): AsyncIterable<string | Uint8Array>;
  close(): void;
}

export interface AdminTarget {
  readonly dataDir: string;
  /** A server elsewhere; then `token` is an API token with the admin role. */
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  /** Makes the data folder where there is none. */
  readonly mayCreate?: boolean;
}

const triesMax = 50;
const retryMs = 100;

/**
 * Finds whoever holds the registrations. A folder that a running server holds is reached through that server, so there is only ever one
 * writer, and what is changed takes effect at once. Throws a `Failure`: `no_server`, `data_dir_not_writable`.
 */
export async function openAdminClient(target: AdminTarget): Promise<AdminClient> {
  const { dataDir, url, token, mayCreate = false } = target;
  if (url !== undefined) {
    if (token === undefined || token === "") {
      throw new Failure(
        "no_server",
        "--url needs an API token with the admin role in WATTBOARD_TOKEN. Make one on the server's machine: wattboard api-token add NAME --role admin",
      );
    }
    return new RemoteAdminClient(url, token);
  }
  if (!mayCreate && !existsSync(join(dataDir, accessFileName))) {
    throw new Failure(
      "no_data_dir",
      `There is no Wattboard data in ${dataDir}. Name the server's folder with --data-dir, or begin one: wattboard serve --data-dir ${dataDir}`,
    );
  }
  for (let tries = 1; ; tries++) {
    try {
      return openFolder(dataDir);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "data_dir_in_use") throw error;
      const control = readControlFile(dataDir);
      if (control !== null) return new RemoteAdminClient(control.url, control.token, control.certificate);
      // A server that starts or stops, or another command like this one: that may take a moment.
      if (tries >= triesMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** What the settings say unless told otherwise; a server may keep more or less, and cares for that itself. */
export const auditLimits: AuditLimits = { rowsMax: defaultOf("audit.rows"), archivesMax: defaultOf("audit.archives") };
const sessionMs = defaultOf("access.session_ms");

function defaultOf(key: string): number {
  return Number(settings.find((setting) => setting.key === key)?.schema.default);
}

function openFolder(dataDir: string): AdminClient {
  const file = openDataFolder(dataDir);
  // Whoever holds the folder knows that no server does: this one was left behind by one that was killed.
  removeControlFile(dataDir);
  try {
    const revocations = new Revocations(dataDir);
    const registrations = readingFrom(join(dataDir, accessFileName), () => {
      const people = new People(file, systemClock, revocations);
      const apiTokens = new ApiTokens(file, systemClock, people, revocations);
      const requesters = new Requesters({ people, apiTokens });
      const oneTimeLinks = new OneTimeLinks(file, systemClock, requesters, revocations);
      const shareLinks = new ShareLinks(file, systemClock, requesters, revocations);
      return {
        devices: new DeviceRegistry(file, systemClock, revocations),
        apiTokens,
        knownBrowsers: new KnownBrowsers(file, systemClock),
        oneTimeLinks,
        outstanding: new Outstanding([outstandingAccess({ apiTokens, oneTimeLinks, requesters, shareLinks })]),
        people,
        sessions: new LoginSessions(file, systemClock, sessionMs, revocations),
        shareLinks,
      };
    });
    const audit = new Audit(dataDir, systemClock, auditLimits);
    revocations.settle((owed) => audit.recordOwed(owed));
    return new DirectAdminClient({ ...registrations, audit, revocations }, () => {
      audit.close();
      revocations.close();
      file.close();
    });
  } catch (error) {
    file.close();
    throw error;
  }
}

export interface DirectParts {
  readonly devices: DeviceRegistry;
  readonly apiTokens: ApiTokens;
  readonly audit: Audit;
  readonly knownBrowsers: KnownBrowsers;
  readonly oneTimeLinks: OneTimeLinks;
  readonly outstanding: Outstanding;
  readonly people: People;
  readonly revocations: Revocations;
  readonly sessions: LoginSessions;
  readonly shareLinks: ShareLinks;
}

/** For whoever holds the registrations itself: nothing else may be writing there. */
export class DirectAdminClient implements AdminClient {
  readonly #parts: DirectParts;
  readonly close: () => void;

  constructor(parts: DirectParts, close: () => void = () => {}) {
    this.#parts = parts;
    this.close = close;
  }

  async addDevice(device: NewDevice) {
    const detail = device.keepHistory ? { detail: { keep_history: device.keepHistory } } : {};
    const entry = { action: "device.add", deviceId: device.deviceId, ...detail };
    return provisionedBody(this.#audited(entry, () => this.#parts.devices.add(device)));
  }

  async listDevices() {
    return this.#parts.devices.list().map((device) => deviceBody(device, false));
  }

  async changeDevice(deviceId: string, change: DeviceChange) {
    const entry = { action: "device.change", deviceId, detail: { ...change } };
    return deviceBody(
      this.#audited(entry, () => this.#parts.devices.change(deviceId, change)),
      false,
    );
  }

  async listWaiting(): Promise<WaitingDeviceBody[]> {
    throw noServerWaitedAt();
  }

  async acceptWaiting(): Promise<{ device_id: string; token: string }> {
    throw noServerWaitedAt();
  }

  async rotateToken(deviceId: string, token: string | undefined) {
    const entry = { action: "device.rotate", deviceId };
    return provisionedBody(this.#audited(entry, () => this.#parts.devices.rotate(deviceId, token)));
  }

  async revokeToken(deviceId: string) {
    const entry = { action: "device.revoke", deviceId };
    return deviceBody(
      this.#auditedRevocation(entry, () => this.#parts.devices.revoke(deviceId)),
      false,
    );
  }

  async removeDevice(deviceId: string) {
    const { apiTokens, devices, people, shareLinks } = this.#parts;
    const removed = this.#audited({ action: "device.remove", deviceId }, () => devices.remove(deviceId));
    for (const rights of [people, apiTokens, shareLinks]) rights.forgetDevice(deviceId);
    return deviceBody(removed, false);
  }

  async addApiToken(name: string, role: Role, ttlMs: number | null, devices: readonly string[] | null) {
    const entry = { action: "api_token.add", target: name, detail: { role, ttl_ms: ttlMs, devices } };
    return this.#audited(entry, () => this.#parts.apiTokens.add(name, role, ttlMs, devices));
  }

  async listApiTokens() {
    return this.#parts.apiTokens.list().map(apiTokenBody);
  }

  async removeApiToken(name: string) {
    const entry = { action: "api_token.remove", target: name };
    const removed = this.#auditedRevocation(entry, () => this.#parts.apiTokens.remove(name));
    return { ...apiTokenBody(removed), ended: this.#endOutstanding() };
  }

  async addPerson(person: NewPerson) {
    const { oneTimeLinks, people } = this.#parts;
    const { name, ...detail } = person;
    const added = this.#audited({ action: "person.add", target: name, detail }, () => people.add(person));
    return { person: personBody(added, 0), link: issuedLinkBody(oneTimeLinks.issue("password", added.name)) };
  }

  async listPeople() {
    const { people, sessions } = this.#parts;
    return people.list().map((person) => personBody(person, sessions.of(person.name).length));
  }

  async changePerson(name: string, change: PersonChange) {
    const entry = { action: "person.change", target: name, detail: { ...change } };
    const changed = this.#audited(entry, () => this.#parts.people.change(name, change));
    return { ...personBody(changed, 0), ended: this.#endOutstanding() };
  }

  async outstandingOf(name: string) {
    const { outstanding, people } = this.#parts;
    const person = unlessRefused(people.find(name) ?? refuse("not_found", `Nobody is called ${JSON.stringify(name)}.`));
    return outstandingBody(outstanding.of(requesterOfPerson(person)));
  }

  async removePerson(name: string) {
    const entry = { action: "person.remove", target: name };
    const removed = this.#auditedRevocation(entry, () => removePerson(this.#parts, name));
    return { ...personBody(removed, 0), ended: this.#endOutstanding() };
  }

  async setPassword(name: string, password: string) {
    const { oneTimeLinks, people, sessions } = this.#parts;
    const fault = describePasswordFault(password);
    if (fault !== null) throw new CommandRefused(refuse("invalid_request", fault));
    const hash = await new Passwords(systemClock).hash(password);
    if (typeof hash === "object") throw new CommandRefused(hash);
    const changed = this.#audited({ action: "person.password", target: name }, () => people.setPassword(name, hash));
    sessions.endAll(changed.name);
    oneTimeLinks.voidOf(changed.name);
    return personBody(changed, 0);
  }

  async issuePasswordLink(name: string) {
    const { oneTimeLinks, people } = this.#parts;
    const person = this.#audited(
      { action: "person.link", target: name },
      () => people.find(name) ?? refuse("not_found", `Nobody is called ${JSON.stringify(name)}.`),
    );
    return issuedLinkBody(oneTimeLinks.issue("password", person.name));
  }

  async issueSetupLink() {
    const { oneTimeLinks } = this.#parts;
    return issuedLinkBody(this.#audited({ action: "setup_link.issue" }, () => oneTimeLinks.issue("setup", null)));
  }

  async listShareLinks() {
    return this.#parts.shareLinks.current().map((link) => shareLinkBody(link));
  }

  async revokeShareLink(shareId: string) {
    const { shareLinks } = this.#parts;
    const deviceId = shareLinks.current().find((link) => link.shareId === shareId)?.deviceId ?? "";
    const entry = { action: "share_link.revoke", deviceId, target: shareId };
    return shareLinkBody(this.#audited(entry, () => shareLinks.revoke(deviceId, shareId)));
  }

  async verifyAudit() {
    return auditReportBody(await this.#parts.audit.verify());
  }

  exportAudit(format: AuditFormat, query: AuditQuery) {
    const filter = unlessRefused(filterOf(query));
    this.#audited({ action: "audit.export", detail: { ...query } }, () => ({}));
    return format === "csv" ? csvOf(this.#parts.audit, filter) : ndjsonOf(this.#parts.audit, filter);
  }

  #endOutstanding(): OutstandingBody {
    const { audit, outstanding } = this.#parts;
    const ended = outstanding.endRefused();
    if (ended.length > 0) audit.record({ who: localRequester.name, address: "", ...outstandingEntry(ended) });
    return outstandingBody(ended);
  }

  #audited<T extends object>(entry: Omit<AuditEntry, "who" | "address">, act: () => T | Refusal): T {
    const { audit } = this.#parts;
    audit.assertWritable();
    const result = act();
    audit.record({ who: "local", address: "", ...entry, outcome: "code" in result ? result.code : "done" });
    return unlessRefused(result);
  }

  #auditedRevocation<T extends object>(entry: Omit<AuditEntry, "who" | "address">, act: () => T | Refusal): T {
    const { audit, revocations } = this.#parts;
    const result = act();
    const outcome = "code" in result ? result.code : "done";
    audit.recordOrOwe({ who: "local", address: "", ...entry, outcome }, (owed, error) => revocations.owe(owed, error));
    return unlessRefused(result);
  }
}

function noServerWaitedAt(): Failure {
  return new Failure(
    "no_server",
    "No server runs on this folder, so no device waits there. Start one: wattboard serve",
  );
}

class RemoteAdminClient implements AdminClient {
  readonly url: string;
  readonly #target: ApiTarget;

  constructor(url: string, token: string, certificate?: string) {
    this.url = url;
    this.#target = apiTarget(url, token, certificate);
  }

  addDevice({ deviceId, keepHistory, ...rest }: NewDevice) {
    const body = { device_id: deviceId, ...rest, ...(keepHistory && { keep_history: keepHistory }) };
    return this.#request<ProvisionedBody>("POST", "/devices", body);
  }

  async listDevices() {
    const found: DeviceBody[] = [];
    for (let cursor = ""; ; ) {
      const { devices, next_cursor } = await this.#request<DevicesBody>("GET", `/devices?limit=1000${cursor}`);
      found.push(...devices);
      if (next_cursor === null) return found;
      cursor = `&cursor=${next_cursor}`;
    }
  }

  changeDevice(deviceId: string, change: DeviceChange) {
    return this.#request<DeviceBody>("PATCH", `/devices/${encodeURIComponent(deviceId)}`, change);
  }

  async listWaiting() {
    return (await this.#request<{ waiting: WaitingDeviceBody[] }>("GET", "/smart-os/waiting")).waiting;
  }

  acceptWaiting(deviceId: string) {
    return this.#request<{ device_id: string; token: string }>(
      "POST",
      `/smart-os/waiting/${encodeURIComponent(deviceId)}/accept`,
    );
  }

  rotateToken(deviceId: string, token: string | undefined) {
    return this.#request<{ device_id: string; token: string }>(
      "POST",
      `/devices/${encodeURIComponent(deviceId)}/rotate`,
      token === undefined ? {} : { token },
    );
  }

  revokeToken(deviceId: string) {
    return this.#request<DeviceBody>("POST", `/devices/${encodeURIComponent(deviceId)}/revoke`);
  }

  removeDevice(deviceId: string) {
    return this.#request<DeviceBody>("DELETE", `/devices/${encodeURIComponent(deviceId)}`);
  }

  addApiToken(name: string, role: Role, ttlMs: number | null, devices: readonly string[] | null) {
    return this.#request<{ name: string; token: string }>("POST", "/api-tokens", {
      name,
      role,
      ...(ttlMs !== null && { ttl_ms: ttlMs }),
      ...(devices !== null && { devices }),
    });
  }

  async listApiTokens() {
    return (await this.#request<{ api_tokens: ApiTokenBody[] }>("GET", "/api-tokens")).api_tokens;
  }

  removeApiToken(name: string) {
    return this.#request<RemovedApiTokenBody>("DELETE", `/api-tokens/${encodeURIComponent(name)}`);
  }

  addPerson(person: NewPerson) {
    return this.#request<{ person: PersonBody; link: IssuedLinkBody }>("POST", "/people", person);
  }

  async listPeople() {
    return (await this.#request<{ people: PersonBody[] }>("GET", "/people")).people;
  }

  changePerson(name: string, change: PersonChange) {
    return this.#request<ChangedPersonBody>("PATCH", `/people/${encodeURIComponent(name)}`, change);
  }

  outstandingOf(name: string) {
    return this.#request<OutstandingBody>("GET", `/people/${encodeURIComponent(name)}/outstanding`);
  }

  removePerson(name: string) {
    return this.#request<ChangedPersonBody>("DELETE", `/people/${encodeURIComponent(name)}`);
  }

  setPassword(name: string, password: string) {
    return this.#request<PersonBody>("PUT", `/people/${encodeURIComponent(name)}/password`, { password });
  }

  issuePasswordLink(name: string) {
    return this.#request<IssuedLinkBody>("POST", `/people/${encodeURIComponent(name)}/link`);
  }

  issueSetupLink() {
    return this.#request<IssuedLinkBody>("POST", "/setup-link");
  }

  async listShareLinks() {
    const found: ShareLinkBody[] = [];
    for (let cursor = ""; ; ) {
      const page = await this.#request<AllShareLinksBody>("GET", `/share-links?limit=1000${cursor}`);
      found.push(...page.share_links);
      if (page.next_cursor === null) return found;
      cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
    }
  }

  async revokeShareLink(shareId: string) {
    const link = (await this.listShareLinks()).find((each) => each.share_id === shareId);
    if (link === undefined) throw new CommandRefused(refuse("not_found", "There is no such share link."));
    return await this.#request<ShareLinkBody>(
      "DELETE",
      `/devices/${encodeURIComponent(link.device_id)}/share-links/${encodeURIComponent(shareId)}`,
    );
  }

  verifyAudit() {
    return this.#request<AuditReportBody>("GET", "/audit/verify");
  }

  async *exportAudit(format: AuditFormat, query: AuditQuery) {
    const given = Object.entries({ ...query, format }).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given as [string, string][]);
    const response = await sendToApi(this.#target, "GET", `/audit/export?${search}`);
    if (response.body !== null) yield* response.body;
  }

  close(): void {}

  #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return requestApi(this.#target, method, path, body);
  }
}
