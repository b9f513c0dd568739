import { limits } from "@wattboard/protocol";
import type { People } from "../access/people.ts";
import type { DeviceRegistry } from "./device-registry.ts";

/** Gives the devices whose samples a device may get; sorted, without itself, at most 64. */
export type PeersOf = (deviceId: string) => readonly string[];

/**
 * The right of a device to see others (ADR 31). An administrator gives it as the device's property `peers`: `site` means the devices with the
 * same property `site`, `owner` those that somebody was given together with it.
 */
export class Peers {
  readonly #devices: DeviceRegistry;
  readonly #people: People;

  constructor(devices: DeviceRegistry, people: People) {
    this.#devices = devices;
    this.#people = people;
  }

  hasRight(deviceId: string): boolean {
    const right = this.#devices.find(deviceId)?.properties.peers;
    return right === "site" || right === "owner";
  }

  /** The rights as they are at this moment: for many questions at once. */
  snapshot(): PeersOf {
    let bySite: Map<string, string[]> | null = null;
    return (deviceId) => {
      const { peers, site } = this.#devices.find(deviceId)?.properties ?? {};
      if (peers === "owner") return this.#ofOwners(deviceId);
      if (peers !== "site" || site === undefined || site === "") return [];
      bySite ??= this.#bySite();
      return bounded(bySite.get(site) ?? [], deviceId);
    };
  }

  #bySite(): Map<string, string[]> {
    const bySite = new Map<string, string[]>();
    for (const id of this.#devices.ids()) {
      const site = this.#devices.find(id)?.properties.site;
      if (site === undefined) continue;
      const others = bySite.get(site);
      if (others === undefined) bySite.set(site, [id]);
      else others.push(id);
    }
    return bySite;
  }

  /** Who may see all devices is nobody's owner. */
  #ofOwners(deviceId: string): string[] {
    const found = new Set<string>();
    for (const { devices } of this.#people.list()) {
      if (devices?.has(deviceId) !== true) continue;
      for (const id of devices) if (this.#devices.find(id) !== undefined) found.add(id);
    }
    return bounded([...found], deviceId);
  }
}

function bounded(ids: readonly string[], deviceId: string): string[] {
  return ids
    .filter((id) => id !== deviceId)
    .sort()
    .slice(0, limits.peersMax);
}
