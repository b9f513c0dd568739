import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type ApiTokenBody,
  type DeviceBody,
  type DevicesBody,
  type Problem,
  paths,
  refusals,
} from "@wattboard/protocol";
import { accessFileName, openAccessFile } from "../access/access-file.ts";
import { ApiTokens } from "../access/api-tokens.ts";
import { readControlFile, removeControlFile } from "../access/control-file.ts";
import { Devices, type NewDevice } from "../access/devices.ts";
import type { Role } from "../access/principal.ts";
import { systemClock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { apiTokenBody, deviceBody, provisionedBody } from "../doors/api-bodies.ts";
import { CommandRefused, unlessRefused } from "./report.ts";

/** What the command line does to the registrations: through the server where one runs, else in the data folder itself. */
export interface Administration {
  /** The address of the server, where there is one. */
  readonly url?: string;
  addDevice(device: NewDevice): Promise<{ device_id: string; token: string }>;
  listDevices(): Promise<DeviceBody[]>;
  rotateToken(deviceId: string, token: string | undefined): Promise<{ device_id: string; token: string }>;
  revokeToken(deviceId: string): Promise<DeviceBody>;
  removeDevice(deviceId: string): Promise<DeviceBody>;
  addApiToken(name: string, role: Role, ttlMs: number | null): Promise<{ name: string; token: string }>;
  listApiTokens(): Promise<ApiTokenBody[]>;
  removeApiToken(name: string): Promise<ApiTokenBody>;
  close(): void;
}

export interface AdministrationTarget {
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
export async function openAdministration(target: AdministrationTarget): Promise<Administration> {
  const { dataDir, url, token, mayCreate = false } = target;
  if (url !== undefined) {
    if (token === undefined || token === "") {
      throw new Failure(
        "no_server",
        "--url needs an API token with the admin role in WATTBOARD_TOKEN. Make one on the server's machine: wattboard api-token add NAME --role admin",
      );
    }
    return new RemoteAdministration(url, token);
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
      if (control !== null) return new RemoteAdministration(control.url, control.token);
      // A server that starts or stops, or another command like this one: that may take a moment.
      if (tries >= triesMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

function openFolder(dataDir: string): Administration {
  const file = openAccessFile(dataDir);
  // Whoever holds the folder knows that no server does: this one was left behind by one that was killed.
  removeControlFile(dataDir);
  return new DirectAdministration(new Devices(file, systemClock), new ApiTokens(file, systemClock), () => file.close());
}

/** For whoever holds the registrations itself: nothing else may be writing there. */
export class DirectAdministration implements Administration {
  readonly #devices: Devices;
  readonly #apiTokens: ApiTokens;
  readonly close: () => void;

  constructor(devices: Devices, apiTokens: ApiTokens, close: () => void = () => {}) {
    this.#devices = devices;
    this.#apiTokens = apiTokens;
    this.close = close;
  }

  async addDevice(device: NewDevice) {
    return provisionedBody(unlessRefused(this.#devices.add(device)));
  }

  async listDevices() {
    return this.#devices.list().map((device) => deviceBody(device, false));
  }

  async rotateToken(deviceId: string, token: string | undefined) {
    return provisionedBody(unlessRefused(this.#devices.rotate(deviceId, token)));
  }

  async revokeToken(deviceId: string) {
    return deviceBody(unlessRefused(this.#devices.revoke(deviceId)), false);
  }

  async removeDevice(deviceId: string) {
    return deviceBody(unlessRefused(this.#devices.remove(deviceId)), false);
  }

  async addApiToken(name: string, role: Role, ttlMs: number | null) {
    return unlessRefused(this.#apiTokens.add(name, role, ttlMs));
  }

  async listApiTokens() {
    return this.#apiTokens.list().map(apiTokenBody);
  }

  async removeApiToken(name: string) {
    return apiTokenBody(unlessRefused(this.#apiTokens.remove(name)));
  }
}

class RemoteAdministration implements Administration {
  readonly url: string;
  readonly #base: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#base = url.replace(/^ws/, "http").replace(/\/$/, "") + paths.api;
    this.#token = token;
  }

  addDevice({ deviceId, ...rest }: NewDevice) {
    return this.#request<{ device_id: string; token: string }>("POST", "/devices", { device_id: deviceId, ...rest });
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

  addApiToken(name: string, role: Role, ttlMs: number | null) {
    return this.#request<{ name: string; token: string }>("POST", "/api-tokens", {
      name,
      role,
      ...(ttlMs !== null && { ttl_ms: ttlMs }),
    });
  }

  async listApiTokens() {
    return (await this.#request<{ api_tokens: ApiTokenBody[] }>("GET", "/api-tokens")).api_tokens;
  }

  removeApiToken(name: string) {
    return this.#request<ApiTokenBody>("DELETE", `/api-tokens/${encodeURIComponent(name)}`);
  }

  close(): void {}

  async #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    let response: Response;
    try {
      response = await fetch(this.#base + path, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      throw new Failure(
        "no_server",
        `No answer from ${this.#base}. Is the server running, and the address right?`,
        error,
      );
    }
    if (response.ok) return (await response.json()) as T;
    const problem = (await response.json().catch(() => null)) as Problem | null;
    if (problem === null || !(problem.code in refusals)) {
      throw new Failure("request_failed", `${this.#base} answered ${response.status} to ${method} ${path}.`);
    }
    const message =
      problem.code === "unauthorized"
        ? `${this.#base} does not know the token: it is mistyped, expired or removed.`
        : problem.detail;
    throw new CommandRefused({ code: problem.code, message });
  }
}
