import type { Requester } from "../base/requester.ts";
import type { DeviceList } from "./device-list.ts";
import { hasRole, type Role } from "./principal.ts";

/** What somebody may do, as it is at this moment. */
interface Rights {
  readonly role: Role;
  /** Null: all devices. */
  readonly devices: DeviceList;
}

/** Accounts or tokens by name; those that have ended are not among them. */
interface RightsByName {
  find(name: string): (Rights & { readonly createdAtMs: number }) | undefined;
}

export interface RequesterSources {
  readonly people: RightsByName;
  readonly apiTokens: RightsByName;
}

const all: Rights = { role: "admin", devices: null };

/** What they may do now; null: they were removed, or have expired, and whoever has their name today is somebody else. */
export function rightsOf({ kind, name, sinceMs }: Requester, sources: RequesterSources): Rights | null {
  if (kind === "local") return all;
  const found = (kind === "person" ? sources.people : sources.apiTokens).find(name);
  return found !== undefined && (sinceMs === null || found.createdAtMs === sinceMs) ? found : null;
}

/** Asked at each act of what outlives the request by which it was set going: whether those whom it rests on still may. */
export class Requesters {
  readonly #sources: RequesterSources;

  constructor(sources: RequesterSources) {
    this.#sources = sources;
  }

  /** Whether they may command, or share, this device; null: any device at all. */
  mayCommand(requester: Requester, deviceId: string | null): boolean {
    const rights = rightsOf(requester, this.#sources);
    if (rights === null || !hasRole(rights, "operator")) return false;
    return deviceId === null || rights.devices === null || rights.devices.has(deviceId);
  }

  /** The devices given to them; null: all there are; undefined: they were removed. */
  devicesOf(requester: Requester): DeviceList | undefined {
    return rightsOf(requester, this.#sources)?.devices;
  }

  mayAdminister(requester: Requester): boolean {
    return hasRole(rightsOf(requester, this.#sources), "admin");
  }

  /** Who is called so today: share links of earlier versions have no more than a name. */
  guess(name: string): Requester {
    const isToken = this.#sources.people.find(name) === undefined && this.#sources.apiTokens.find(name) !== undefined;
    if (isToken) return { kind: "token", name, sinceMs: null };
    return { kind: name === "local" ? "local" : "person", name, sinceMs: null };
  }
}
