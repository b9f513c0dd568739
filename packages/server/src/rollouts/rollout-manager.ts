import {
  type FleetDeviceStatus,
  type FleetPreviewBody,
  type FleetRow,
  isRefusal,
  limits,
  type NewFleetCommandBody,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import { type Requester as RequesterName, requesterText } from "../base/requester.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import type { CommandJournal } from "../commands/command-journal.ts";
import { type CommandRecord, commandRequester, type Step } from "../commands/command-record.ts";
import type { CommandStore, PersistedCommands } from "../commands/command-store.ts";
import type { CommandRights, Dispatcher, StepListener } from "../commands/dispatcher.ts";
import type { FleetCommandRecord, FleetTarget } from "../commands/fleet-command-record.ts";
import { commandJob } from "./command-job.ts";
import { noLongerPermitted, Rollout, type RolloutOwner } from "./rollout.ts";
import { type FleetRowSource, type Selection, selectDevices, waveSizes } from "./select-devices.ts";

const tickMs = 500;
/** Commands of waves that may wait for their turn; those above it are given with the next tick. */
const waitingMax = 10_000;
const previewIdsMax = 1_000;
const previewUnsupportedMax = 100;
const settleMsDefault = 10_000;

/** Who begins or aborts a fleet command. */
export interface RolloutCaller {
  readonly requester: RequesterName;
  /** From where. */
  readonly address: string;
  /** Devices that they may not command do not exist for them. */
  mayCommand(deviceId: string): boolean;
}

export interface RolloutObserver {
  /** Puts on record that somebody begins or aborts a fleet command, before it is done. Throws if it cannot: then it is refused. */
  given(what: "begin" | "abort", record: FleetCommandRecord, by: RolloutCaller): void;
}

/** Fleet commands: previews, begins and aborts them, and takes them up after a restart. What one does is `Rollout`'s. */
export class RolloutManager implements StepListener {
  readonly #clock: Clock;
  readonly #newId: NewId;
  readonly #store: CommandStore;
  readonly #journal: CommandJournal;
  readonly #dispatcher: Dispatcher;
  readonly #fleet: FleetRowSource;
  readonly #rights: CommandRights;
  readonly #observer: RolloutObserver;
  readonly #queue: YieldQueue;
  /** Those that run, or have ended with commands still on their way. */
  readonly #rollouts = new Map<string, Rollout>();
  /** All that are stored, oldest first. */
  readonly #records = new Map<string, FleetCommandRecord>();
  readonly #owner: RolloutOwner;
  readonly #stopTimer: CancelTimer;
  #onStopped: (record: FleetCommandRecord) => void = () => {};
  #isStopped = false;

  constructor(
    clock: Clock,
    newId: NewId,
    store: CommandStore,
    journal: CommandJournal,
    dispatcher: Dispatcher,
    fleet: FleetRowSource,
    rights: CommandRights,
    observer: RolloutObserver,
    queue = new YieldQueue(waitingMax),
  ) {
    this.#clock = clock;
    this.#newId = newId;
    this.#store = store;
    this.#journal = journal;
    this.#dispatcher = dispatcher;
    this.#fleet = fleet;
    this.#rights = rights;
    this.#observer = observer;
    this.#queue = queue;
    this.#owner = this.#asOwner();
    this.#stopTimer = clock.every(tickMs, () => {
      for (const rollout of [...this.#rollouts.values()]) rollout.advance();
    });
  }

  /** Has the listener told of each that stops itself, from now on. */
  watch(listener: (record: FleetCommandRecord) => void): void {
    this.#onStopped = listener;
  }

  /** Takes up what an earlier run left running. */
  async restore({ fleetCommands, fleetTargets }: PersistedCommands): Promise<void> {
    const targetsById = Map.groupBy(fleetTargets, ({ fleetCommandId }) => fleetCommandId);
    for (const record of fleetCommands) {
      const { fleetCommandId, endCounts } = record;
      this.#records.set(fleetCommandId, record);
      if (endCounts !== null) continue;
      const rollout = new Rollout(record, targetsById.get(fleetCommandId) ?? [], this.#owner);
      this.#rollouts.set(fleetCommandId, rollout);
      // The step of a command and that of its device here are stored one after the other: the command's has the last word.
      for (const target of rollout.targets()) {
        if (target.status === "waiting" || target.endedAtMs !== null) continue;
        const command = await this.#dispatcher.findStored(target.deviceId, target.commandId);
        rollout.restoreStep(target, command?.history.at(-1) ?? null);
      }
    }
  }

  /** Which devices it would reach. */
  async preview(body: NewFleetCommandBody, by: RolloutCaller): Promise<FleetPreviewBody | Refusal> {
    const selection = await this.#select(body, by);
    if (isRefusal(selection)) return selection;
    const { fit, unsupported, unknownCount } = selection;
    return {
      count: fit.length,
      device_ids: fit.slice(0, previewIdsMax).map(({ id }) => id),
      misfits: unsupported.slice(0, previewUnsupportedMax),
      misfit_count: unsupported.length,
      unknown_count: unknownCount,
      waves: waveSizes(fit.length, body),
    };
  }

  /** Begins a fleet command; the answer comes when it is stored, with every device that it is for. */
  async begin(body: NewFleetCommandBody, by: RolloutCaller): Promise<FleetCommandRecord | Refusal> {
    if (this.running().length >= limits.fleetCommandsRunning) {
      return refuse(
        "fleet_commands_full",
        `${limits.fleetCommandsRunning} may run at once: wait for one, or abort one.`,
      );
    }
    const selection = await this.#select(body, by);
    if (isRefusal(selection)) return selection;
    const { fit, unsupported } = selection;
    if (fit.length === 0) {
      const reason = unsupported[0]?.reason;
      const why = reason === undefined ? "" : ` Those that match do not support it; the first: ${reason}`;
      return refuse("invalid_request", `No device matches.${why} Look at it with dry_run.`);
    }
    if (this.#journal.isFailing) return refuse("commands_unavailable");
    const record = this.#recordOf(body, by, fit.length);
    try {
      this.#observer.given("begin", record, by);
    } catch {
      return refuse("audit_unavailable");
    }
    const targets = targetsOf(record.fleetCommandId, fit, waveSizes(fit.length, body));
    if (!(await this.#save(record, targets))) return refuse("commands_unavailable");
    this.#noteRecord(record);
    const rollout = new Rollout(record, targets, this.#owner);
    this.#rollouts.set(record.fleetCommandId, rollout);
    rollout.advance();
    return rollout.record;
  }

  /** Begins no further wave, and takes back what no device has been given yet. */
  abort(fleetCommandId: string, by: RolloutCaller): FleetCommandRecord | Refusal {
    const rollout = this.#rollouts.get(fleetCommandId);
    if (rollout?.record.status !== "running") {
      const isKnown = this.#records.has(fleetCommandId);
      return isKnown ? refuse("fleet_command_ended") : refuse("not_found", "There is no such fleet command.");
    }
    try {
      this.#observer.given("abort", rollout.record, by);
    } catch {
      return refuse("audit_unavailable");
    }
    rollout.end("aborted", `Aborted by ${requesterText(by.requester)}.`);
    return rollout.record;
  }

  /** Stops one that runs because whoever began it may not any more. */
  cancel(fleetCommandId: string): void {
    const rollout = this.#rollouts.get(fleetCommandId);
    if (rollout?.record.status === "running") rollout.end("stopped", noLongerPermitted);
  }

  /** A command has gone one step further; told of each. */
  noteStep({ fleetCommandId, deviceId }: CommandRecord, step: Step): void {
    if (fleetCommandId !== null) this.#rollouts.get(fleetCommandId)?.noteStep(deviceId, step);
  }

  find(fleetCommandId: string): FleetCommandRecord | undefined {
    return this.#records.get(fleetCommandId);
  }

  /** Newest first. */
  list(): FleetCommandRecord[] {
    return [...this.#records.values()].reverse();
  }

  /** Those that have waves to come. */
  running(): FleetCommandRecord[] {
    return [...this.#rollouts.values()].map(({ record }) => record).filter(({ status }) => status === "running");
  }

  /** How many of its devices stand where. */
  countsOf(record: FleetCommandRecord): Partial<Record<FleetDeviceStatus, number>> {
    return record.endCounts ?? this.#rollouts.get(record.fleetCommandId)?.counts() ?? {};
  }

  /** Every device of it, in the order of the waves. */
  async targetsOf(fleetCommandId: string): Promise<FleetTarget[]> {
    const rollout = this.#rollouts.get(fleetCommandId);
    const targets = rollout?.targets() ?? (await this.#store.fleetTargets(fleetCommandId));
    return targets.toSorted((one, other) => one.wave - other.wave || (one.deviceId < other.deviceId ? -1 : 1));
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  #select(body: NewFleetCommandBody, by: RolloutCaller): Promise<Selection | Refusal> {
    return selectDevices(this.#fleet, body, this.#clock.wallMs(), {
      mayCommand: (deviceId) => by.mayCommand(deviceId),
      unsupportedBecause: (deviceId, order) => this.#dispatcher.unsupportedBecause(deviceId, order),
      nextTurn: () => this.#queue.nextTurn(),
    });
  }

  #recordOf(body: NewFleetCommandBody, by: RolloutCaller, total: number): FleetCommandRecord {
    return {
      fleetCommandId: `fleet_${this.#newId(6)}`,
      action: body.action,
      payload: body.payload,
      where: body.where,
      requestedBy: requesterText(by.requester),
      requester: by.requester,
      createdAtMs: this.#clock.wallMs(),
      ttlMs: body.ttl_ms ?? limits.commandTtlMs,
      settleMs: body.settle_ms ?? settleMsDefault,
      errorsMax: body.errors_max ?? 0,
      failuresMax: body.failures_max ?? Math.floor(total / 10),
      status: "running",
      cause: `Begun by ${requesterText(by.requester)}.`,
      endedAtMs: null,
      wave: 0,
      waves: waveSizes(total, body).length,
      total,
      endCounts: null,
      newErrors: 0,
    };
  }

  /** Resolves when all of it is stored; false if it could not be. */
  async #save(record: FleetCommandRecord, targets: readonly FleetTarget[]): Promise<boolean> {
    let isWhole = true;
    const isStored = await new Promise<boolean>((resolve) => {
      for (const target of targets) {
        // Without its record, which comes last, a target is nothing.
        this.#journal.save({ table: "fleet_target", target }, undefined, () => {
          isWhole = false;
        });
      }
      this.#journal.save(
        { table: "fleet_command", record },
        () => resolve(true),
        () => resolve(false),
      );
    });
    if (isStored && !isWhole) {
      const cause = "It could not be stored.";
      const ended = { ...record, status: "aborted", cause, endedAtMs: this.#clock.wallMs(), endCounts: {} } as const;
      this.#journal.save({ table: "fleet_command", record: ended });
    }
    return isStored && isWhole;
  }

  #noteRecord(record: FleetCommandRecord): void {
    this.#records.set(record.fleetCommandId, record);
    for (const id of this.#records.keys()) {
      if (this.#records.size <= limits.fleetCommandsKept) break;
      if (!this.#rollouts.has(id)) this.#records.delete(id);
    }
  }

  #asOwner(): RolloutOwner {
    const isStopped = (): boolean => this.#isStopped;
    return {
      clock: this.#clock,
      journal: this.#journal,
      job: commandJob(this.#clock, this.#dispatcher),
      queue: this.#queue,
      get isStopped() {
        return isStopped();
      },
      findRow: (deviceId) => this.#fleet.find(deviceId),
      mayStill: (record) => this.#rights.mayCommand(commandRequester(record), null),
      changed: (record) => {
        const { status: before } = this.#records.get(record.fleetCommandId) ?? {};
        this.#records.set(record.fleetCommandId, record);
        if (record.status === "stopped" && before === "running") this.#onStopped(record);
      },
      finished: ({ fleetCommandId }) => this.#rollouts.delete(fleetCommandId),
    };
  }
}

function targetsOf(fleetCommandId: string, rows: readonly FleetRow[], sizes: readonly number[]): FleetTarget[] {
  const waves = sizes.flatMap((size, wave) => Array.from({ length: size }, () => wave));
  return rows.map(({ id }, index) => ({
    fleetCommandId,
    deviceId: id,
    wave: waves[index] ?? 0,
    commandId: `${fleetCommandId}:${index + 1}`,
    status: "waiting",
    cause: "",
    flagsBefore: null,
    newFlags: [],
    endedAtMs: null,
  }));
}
