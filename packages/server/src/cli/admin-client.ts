import {
  type AllShareLinksBody,
  type ApiTokenBody,
  type AuditReportBody,
  type BulkDevicesAnswer,
  type BulkRotationsAnswer,
  type BulkRotationsBody,
  type ChangedPersonBody,
  type ClaimCodesBody,
  type DeviceBody,
  type DevicesBody,
  type IssuedLinkBody,
  type NewDeviceBody,
  type OutstandingBody,
  type PersonBody,
  type ProvisionedBody,
  type RemovedApiTokenBody,
  type RotateBody,
  type RotatedBody,
  type RotationBody,
  type RotationsBody,
  refuse,
  type ShareLinkBody,
  type WaitingDeviceBody,
} from "@wattboard/protocol";
import type { NewPerson, PersonChange } from "../access/people.ts";
import type { Role } from "../access/principal.ts";
import { Failure } from "../base/failure.ts";
import type { DeviceChange, NewDevice } from "../devices/device-registry.ts";
import { type Api, pagesOf, requestJson } from "./api.ts";
import { type ApiTarget, openApi } from "./open-api.ts";
import { CommandRefused } from "./report.ts";

export type AuditFormat = "csv" | "ndjson";

/** What the audit is asked for, as the API names it. */
export interface AuditQuery {
  readonly device?: string | undefined;
  readonly who?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export async function openAdminClient(
  target: ApiTarget,
  options: { readonly mayCreate?: boolean } = {},
): Promise<AdminClient> {
  return new AdminClient(await openApi(target, { ...options, role: "admin" }));
}

/** What the command line does to the registrations, and with the audit. */
export class AdminClient {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** The address of the server, where there is one. */
  get url(): string | undefined {
    return this.#api.url;
  }

  addDevice({ deviceId, keepHistory, ...rest }: NewDevice) {
    const body = { device_id: deviceId, ...rest, ...(keepHistory && { keep_history: keepHistory }) };
    return this.#request<ProvisionedBody>("POST", "/devices", body);
  }

  async listDevices() {
    const found: DeviceBody[] = [];
    for await (const page of pagesOf<DevicesBody>(this.#api, "/devices?limit=1000")) found.push(...page.devices);
    return found;
  }

  changeDevice(deviceId: string, change: DeviceChange) {
    return this.#request<DeviceBody>("PATCH", `/devices/${encodeURIComponent(deviceId)}`, change);
  }

  /** Devices that came to the SMART-OS door and are not registered; only a running server knows of them. */
  async listWaiting() {
    return (await this.#requestLive<{ waiting: WaitingDeviceBody[] }>("GET", "/smart-os/waiting")).waiting;
  }

  acceptWaiting(deviceId: string) {
    return this.#requestLive<ProvisionedBody>("POST", `/smart-os/waiting/${encodeURIComponent(deviceId)}/accept`);
  }

  addDevices(devices: readonly NewDeviceBody[]) {
    return this.#request<BulkDevicesAnswer>("POST", "/bulk/devices", { devices });
  }

  rotateTokens(rotations: BulkRotationsBody) {
    return this.#request<BulkRotationsAnswer>("POST", "/bulk/rotations", rotations);
  }

  /** Devices that have not come with their new token yet. */
  async listRotations() {
    const found: RotationBody[] = [];
    for await (const page of pagesOf<RotationsBody>(this.#api, "/token-rotations?limit=1000")) {
      found.push(...page.rotations);
    }
    return found;
  }

  makeClaimCodes(deviceIds: readonly string[]) {
    return this.#request<ClaimCodesBody>("POST", "/claim-codes", { device_ids: deviceIds });
  }

  rotateToken(deviceId: string, rotate: RotateBody) {
    return this.#request<RotatedBody>("POST", `/devices/${encodeURIComponent(deviceId)}/rotate`, rotate);
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

  /** What ends when they are removed. Without a server it knows of no commands: these end when one starts. */
  outstandingOf(name: string) {
    return this.#request<OutstandingBody>("GET", `/people/${encodeURIComponent(name)}/outstanding`);
  }

  removePerson(name: string) {
    return this.#request<ChangedPersonBody>("DELETE", `/people/${encodeURIComponent(name)}`);
  }

  setPassword(name: string, password: string) {
    return this.#request<PersonBody>("PUT", `/people/${encodeURIComponent(name)}/password`, { password });
  }

  /** A one-time link to choose a password. */
  issuePasswordLink(name: string) {
    return this.#request<IssuedLinkBody>("POST", `/people/${encodeURIComponent(name)}/link`);
  }

  /** A one-time link to create an administrator. */
  issueSetupLink() {
    return this.#request<IssuedLinkBody>("POST", "/setup-link");
  }

  async listShareLinks() {
    const found: ShareLinkBody[] = [];
    for await (const page of pagesOf<AllShareLinksBody>(this.#api, "/share-links?limit=1000")) {
      found.push(...page.share_links);
    }
    return found;
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

  /** The audit as text, newest first, in pieces. */
  exportAudit(format: AuditFormat, query: AuditQuery) {
    const given = Object.entries({ ...query, format }).filter(([, value]) => value !== undefined);
    return this.#api.send("GET", `/audit/export?${new URLSearchParams(given as [string, string][])}`);
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return requestJson<T>(this.#api, method, path, body);
  }

  /** For what only a running server knows. */
  async #requestLive<T>(method: string, path: string): Promise<T> {
    if (this.url !== undefined) return await this.#request<T>(method, path);
    throw new Failure(
      "no_server",
      "No server runs on this folder, so no device waits there. Start one: wattboard serve",
    );
  }
}
