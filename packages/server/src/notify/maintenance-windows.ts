import {
  type FleetRow,
  fleetTest,
  isRefusal,
  limits,
  parseConditions,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import type { Requester } from "../base/requester.ts";
import type { NotifyJournal } from "./notify-journal.ts";
import type { MaintenanceWindow } from "./records.ts";

/** The fleet, a row a device. */
export interface FleetLookup {
  find(deviceId: string): FleetRow | undefined;
}

export interface NewMaintenanceWindow {
  readonly deviceIds: readonly string[];
  readonly where: readonly string[];
  readonly note: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly createdBy: Requester;
}

/** Times in which nobody is told of some devices. */
export class MaintenanceWindows {
  readonly #clock: Clock;
  readonly #newId: NewId;
  readonly #journal: NotifyJournal;
  readonly #fleet: FleetLookup;
  readonly #mayCommand: (requester: Requester, deviceId: string) => boolean;
  readonly #windows = new Map<string, MaintenanceWindow>();

  constructor(
    clock: Clock,
    newId: NewId,
    journal: NotifyJournal,
    fleet: FleetLookup,
    mayCommand: (requester: Requester, deviceId: string) => boolean,
  ) {
    this.#clock = clock;
    this.#newId = newId;
    this.#journal = journal;
    this.#fleet = fleet;
    this.#mayCommand = mayCommand;
  }

  restore(windows: readonly MaintenanceWindow[]): void {
    for (const window of windows) this.#windows.set(window.windowId, window);
  }

  /** Those that have not ended, the next first. */
  list(): MaintenanceWindow[] {
    const nowMs = this.#clock.wallMs();
    const left = [...this.#windows.values()].filter(({ untilMs }) => untilMs > nowMs);
    return left.sort((one, other) => one.fromMs - other.fromMs);
  }

  find(windowId: string): MaintenanceWindow | undefined {
    return this.#windows.get(windowId);
  }

  add(wanted: NewMaintenanceWindow): MaintenanceWindow | Refusal {
    const { deviceIds, where, fromMs, untilMs } = wanted;
    const conditions = parseConditions(where);
    if (isRefusal(conditions)) return conditions;
    if (deviceIds.length === 0 && where.length === 0) {
      return refuse(
        "invalid_request",
        "Say which devices: device_ids, or where. All there are: where online = true or …",
      );
    }
    if (Number.isNaN(fromMs) || Number.isNaN(untilMs)) {
      return refuse("invalid_request", "from and until are RFC 3339 times, e.g. 2026-01-31T12:00:00Z.");
    }
    if (untilMs <= fromMs || untilMs <= this.#clock.wallMs()) {
      return refuse("invalid_request", "It must end after it begins, and later than now.");
    }
    if (untilMs - fromMs > 30 * 86_400_000) return refuse("invalid_request", "It may last 30 days at most.");
    if (this.list().length >= limits.maintenanceWindowsMax) {
      return refuse("invalid_request", `There are ${limits.maintenanceWindowsMax} windows already; end one first.`);
    }
    const window = { windowId: `mnt_${this.#newId(8)}`, createdAtMs: this.#clock.wallMs(), ...wanted };
    this.#windows.set(window.windowId, window);
    this.#journal.save({ table: "maintenance_window", id: window.windowId, record: window });
    return window;
  }

  end({ windowId }: MaintenanceWindow): void {
    this.#windows.delete(windowId);
    this.#journal.save({ table: "maintenance_window", id: windowId, record: null });
  }

  /** Lets go of those that have ended; whether there were any. */
  dropEnded(): boolean {
    const nowMs = this.#clock.wallMs();
    const ended = [...this.#windows.values()].filter(({ untilMs }) => untilMs <= nowMs);
    for (const window of ended) this.end(window);
    return ended.length > 0;
  }

  isActive({ fromMs, untilMs }: MaintenanceWindow): boolean {
    const nowMs = this.#clock.wallMs();
    return fromMs <= nowMs && nowMs < untilMs;
  }

  /** The window that a device is in now. */
  of(deviceId: string): MaintenanceWindow | undefined {
    for (const window of this.#windows.values()) {
      if (this.isActive(window) && this.#covers(window)(deviceId)) return window;
    }
    return undefined;
  }

  /** Those of the devices of which nobody is told now; yields after each piece of the work. */
  *coveredOf(deviceIds: readonly string[]): Generator<void, ReadonlySet<string>> {
    const covered = new Set<string>();
    for (const window of this.#windows.values()) {
      if (!this.isActive(window)) continue;
      const covers = this.#covers(window);
      for (const deviceId of deviceIds) {
        if (!covered.has(deviceId) && covers(deviceId)) covered.add(deviceId);
        yield;
      }
    }
    return covered;
  }

  /** Whoever made it must still be allowed to command what it covers. */
  #covers({ deviceIds, where, createdBy }: MaintenanceWindow): (deviceId: string) => boolean {
    const listed = new Set(deviceIds);
    const conditions = parseConditions(where);
    const test = isRefusal(conditions) || where.length === 0 ? null : fleetTest(conditions);
    return (deviceId) => {
      const row = test === null || listed.has(deviceId) ? undefined : this.#fleet.find(deviceId);
      const isMeant = listed.has(deviceId) || (row !== undefined && test?.(row, this.#clock.wallMs()) === "meets");
      return isMeant && this.#mayCommand(createdBy, deviceId);
    };
  }
}
