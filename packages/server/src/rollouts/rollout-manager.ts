import { randomBytes } from "node:crypto";
import {
  type FleetDeviceStatus,
  type FleetPreviewBody,
  type FleetRow,
  fleetTest,
  hasEnded,
  limits,
  type NewFleetCommandBody,
  type Order,
  parseConditions,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { type Requester, requesterText } from "../base/requester.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import type { CommandJournal } from "../commands/command-journal.ts";
import { type CommandRecord, requesterOf, type Step } from "../commands/command-record.ts";
import type { CommandStore, PersistedCommands } from "../commands/command-store.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { FleetCommandRecord, FleetTarget } from "../commands/fleet-command-record.ts";

const tickMs = 500;
/** Commands of waves that may wait for their turn; those above it are given with the next tick. */
const waitingMax = 10_000;
/** Devices looked at in one turn of the event loop. */
const sliceRows = 100;
const previewIdsMax = 1_000;
const previewMisfitsMax = 100;
const settleMsDefault = 10_000;
const notAnyMore = "Whoever began it may not command devices any more.";
const notThisOne = "Whoever began it may not command this device any more.";

/** A fleet command that runs, or has ended with commands still on their way. */
interface Running {
  record: FleetCommandRecord;
  readonly targets: Map<string, FleetTarget>;
  /** Targets whose command is being given just now. */
  readonly giving: Set<string>;
}

/** Who gives or ends a fleet command. */
export interface RolloutCaller {
  readonly requester: Requester;
  /** From where. */
  readonly address: string;
  /** Devices that they may not command do not exist for them. */
  mayCommand(deviceId: string): boolean;
}

export interface RolloutHooks {
  /** Whether whoever began it still may command devices. Asked before each wave, and each half second. */
  mayStill(record: FleetCommandRecord): boolean;
  /** Puts on record that somebody begins or aborts a fleet command, before it is done. Throws where it cannot: then it is refused. */
  record(what: "begin" | "abort", record: FleetCommandRecord, by: RolloutCaller): void;
}

/** The fleet, a row a device. */
export interface FleetView {
  ids(): Iterable<string>;
  find(deviceId: string): FleetRow | undefined;
}

interface Selection {
  readonly fit: readonly FleetRow[];
  readonly misfits: readonly { readonly device_id: string; readonly reason: string }[];
  readonly unknownCount: number;
}

/**
 * Gives one order to many devices, carefully: a few first (the canary), all of which must apply it; then wave after wave, each only when the
 * one before has ended and its devices have been watched for a while. It stops by itself where changed devices raise error flags that they
 * did not have, or too many do not apply it. All of it is stored, and goes on after a restart where it was.
 */
export class RolloutManager {
  readonly #clock: Clock;
  readonly #store: CommandStore;
  readonly #journal: CommandJournal;
  readonly #dispatcher: Dispatcher;
  readonly #fleet: FleetView;
  readonly #hooks: RolloutHooks;
  /** A wave of thousands must not hold up live samples. */
  readonly #yieldQueue: YieldQueue;
  readonly #running = new Map<string, Running>();
  /** All that are kept, oldest first. */
  readonly #records = new Map<string, FleetCommandRecord>();
  readonly #stopTimer: CancelTimer;
  #isStopped = false;

  constructor(
    clock: Clock,
    store: CommandStore,
    journal: CommandJournal,
    dispatcher: Dispatcher,
    fleet: FleetView,
    hooks: RolloutHooks,
    yieldQueue = new YieldQueue(waitingMax),
  ) {
    this.#yieldQueue = yieldQueue;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#store = store;
    this.#journal = journal;
    this.#dispatcher = dispatcher;
    this.#fleet = fleet;
    this.#stopTimer = clock.every(tickMs, () => this.#tick());
  }

  /** Takes up what an earlier run left running. */
  async restore({ fleetCommands, fleetTargets }: PersistedCommands): Promise<void> {
    for (const record of fleetCommands) {
      this.#records.set(record.fleetCommandId, record);
      if (record.endCounts === null) {
        this.#running.set(record.fleetCommandId, { record, targets: new Map(), giving: new Set() });
      }
    }
    for (const target of fleetTargets) {
      const running = this.#running.get(target.fleetCommandId);
      running?.targets.set(target.deviceId, target);
    }
    // The step of a command and that of its device here are stored one after the other: the command's has the last word.
    for (const running of this.#running.values()) {
      for (const target of running.targets.values()) {
        if (target.status === "waiting" || target.endedAtMs !== null) continue;
        const command = await this.#store.find(target.deviceId, target.commandId);
        const step = command?.history.at(-1);
        if (step === undefined) this.#put(running, { ...target, status: "waiting", flagsBefore: null });
        else if (step.status !== target.status) this.#follow(running, target, step);
      }
    }
  }

  /** Which devices it would be. */
  async preview(body: NewFleetCommandBody, by: RolloutCaller): Promise<FleetPreviewBody | Refusal> {
    const selection = await this.#select(body, by);
    if ("code" in selection) return selection;
    const { fit, misfits, unknownCount } = selection;
    return {
      count: fit.length,
      device_ids: fit.slice(0, previewIdsMax).map(({ id }) => id),
      misfits: misfits.slice(0, previewMisfitsMax),
      misfit_count: misfits.length,
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
    if ("code" in selection) return selection;
    const { fit } = selection;
    if (fit.length === 0) {
      const reason = selection.misfits[0]?.reason;
      const why = reason === undefined ? "" : ` Those that meet the conditions cannot be told so; the first: ${reason}`;
      return refuse("invalid_request", `No device would be told.${why} Look at it with dry_run.`);
    }
    if (this.#journal.isFailing) return refuse("commands_unavailable");
    const sizes = waveSizes(fit.length, body);
    const fleetCommandId = `fleet_${randomBytes(6).toString("hex")}`;
    const record: FleetCommandRecord = {
      fleetCommandId,
      action: body.action,
      payload: body.payload,
      where: body.where,
      requestedBy: requesterText(by.requester),
      requester: by.requester,
      createdAtMs: this.#clock.wallMs(),
      ttlMs: body.ttl_ms ?? limits.commandTtlMs,
      settleMs: body.settle_ms ?? settleMsDefault,
      errorsMax: body.errors_max ?? 0,
      failuresMax: body.failures_max ?? Math.floor(fit.length / 10),
      status: "running",
      cause: `Begun by ${requesterText(by.requester)}.`,
      endedAtMs: null,
      wave: 0,
      waves: sizes.length,
      total: fit.length,
      endCounts: null,
      newErrors: 0,
    };
    try {
      this.#hooks.record("begin", record, by);
    } catch {
      return refuse("audit_unavailable");
    }
    const running: Running = { record, targets: new Map(), giving: new Set() };
    const waves = sizes.flatMap((size, wave) => Array.from({ length: size }, () => wave));
    let isWhole = true;
    const isStored = await new Promise<boolean>((resolve) => {
      for (const [index, { id: deviceId }] of fit.entries()) {
        const target: FleetTarget = {
          fleetCommandId,
          deviceId,
          wave: waves[index] ?? 0,
          commandId: `${fleetCommandId}:${index + 1}`,
          status: "waiting",
          cause: "",
          flagsBefore: null,
          newFlags: [],
          endedAtMs: null,
        };
        running.targets.set(deviceId, target);
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
    if (!isStored || !isWhole) {
      if (isStored) {
        const cause = "It could not be stored.";
        const ended = { ...record, status: "aborted", cause, endedAtMs: this.#clock.wallMs(), endCounts: {} } as const;
        this.#journal.save({ table: "fleet_command", record: ended });
      }
      return refuse("commands_unavailable");
    }
    this.#records.set(fleetCommandId, record);
    for (const id of this.#records.keys()) {
      if (this.#records.size <= limits.fleetCommandsKept) break;
      if (!this.#running.has(id)) this.#records.delete(id);
    }
    this.#running.set(fleetCommandId, running);
    this.#advance(running);
    return record;
  }

  /** Begins no further wave, and takes back what no device has been given yet. */
  abort(fleetCommandId: string, by: RolloutCaller): FleetCommandRecord | Refusal {
    const running = this.#running.get(fleetCommandId);
    if (running?.record.status !== "running") {
      const isKnown = this.#records.has(fleetCommandId);
      return isKnown ? refuse("fleet_command_ended") : refuse("not_found", "There is no such fleet command.");
    }
    try {
      this.#hooks.record("abort", running.record, by);
    } catch {
      return refuse("audit_unavailable");
    }
    this.#end(running, "aborted", `Aborted by ${requesterText(by.requester)}.`);
    return running.record;
  }

  /** Stops one that runs because whoever began it may not any more. */
  cancel(fleetCommandId: string): void {
    const running = this.#running.get(fleetCommandId);
    if (running?.record.status === "running") this.#end(running, "stopped", notAnyMore);
  }

  /** A command has gone one step further; told of each. */
  noteStep(command: CommandRecord, step: Step): void {
    if (command.fleetCommandId === null) return;
    const running = this.#running.get(command.fleetCommandId);
    const target = running?.targets.get(command.deviceId);
    if (running !== undefined && target !== undefined) this.#follow(running, target, step);
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
    return [...this.#running.values()].map(({ record }) => record).filter(({ status }) => status === "running");
  }

  /** How many of its devices stand where. */
  countsOf(record: FleetCommandRecord): Partial<Record<FleetDeviceStatus, number>> {
    return record.endCounts ?? countStatuses(this.#running.get(record.fleetCommandId)?.targets.values() ?? []);
  }

  /** Every device of it, in the order of the waves. */
  async targetsOf(fleetCommandId: string): Promise<FleetTarget[]> {
    const running = this.#running.get(fleetCommandId);
    const targets =
      running === undefined ? await this.#store.fleetTargets(fleetCommandId) : [...running.targets.values()];
    return targets.toSorted((one, other) => one.wave - other.wave || (one.deviceId < other.deviceId ? -1 : 1));
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  /** Looks through the fleet in slices, so that a large one holds up no live sample. */
  async #select(body: NewFleetCommandBody, by: RolloutCaller): Promise<Selection | Refusal> {
    const conditions = parseConditions(body.where);
    if ("code" in conditions) return conditions;
    const test = fleetTest(conditions);
    const nowMs = this.#clock.wallMs();
    const fit: FleetRow[] = [];
    const misfits: { device_id: string; reason: string }[] = [];
    let unknownCount = 0;
    let looked = 0;
    for (const deviceId of [...this.#fleet.ids()]) {
      if (++looked % sliceRows === 0) await this.#yieldQueue.nextTurn();
      const row = by.mayCommand(deviceId) ? this.#fleet.find(deviceId) : undefined;
      if (row === undefined) continue;
      const verdict = test(row, nowMs);
      if (verdict === "unknown") unknownCount++;
      if (verdict !== "meets") continue;
      const reason = this.#dispatcher.unsupportedBecause(deviceId, body as Order);
      if (reason === null) fit.push(row);
      else misfits.push({ device_id: deviceId, reason });
    }
    // Devices that are there come first: a canary that is offline would only wait.
    fit.sort((one, other) => Number(other.online) - Number(one.online));
    return { fit, misfits, unknownCount };
  }

  #tick(): void {
    for (const running of [...this.#running.values()]) this.#advance(running);
  }

  #advance(running: Running): void {
    const { record } = running;
    if (record.status !== "running") return;
    if (!this.#hooks.mayStill(record)) {
      this.#end(running, "stopped", notAnyMore);
      return;
    }
    this.#watchFlags(running);
    const wave = [...running.targets.values()].filter((target) => target.wave === record.wave);
    const stopping = this.#describeStop(running, wave);
    if (stopping !== null) {
      this.#end(running, "stopped", stopping);
      return;
    }
    for (const { status, deviceId } of wave) {
      if (status !== "waiting" || running.giving.has(deviceId)) continue;
      running.giving.add(deviceId);
      if (!this.#yieldQueue.pass(() => this.#give(running, deviceId))) running.giving.delete(deviceId);
    }
    if (wave.some(({ endedAtMs }) => endedAtMs === null)) return;
    const settledAtMs = Math.max(...wave.map(({ endedAtMs }) => endedAtMs ?? 0)) + record.settleMs;
    if (this.#clock.wallMs() < settledAtMs) return;
    if (record.wave + 1 >= record.waves) {
      this.#end(running, "done", "Every wave is through.");
      return;
    }
    const name = record.wave === 0 ? "The canary" : `Wave ${record.wave}`;
    this.#update(running, { wave: record.wave + 1, cause: `${name} is through.` });
    this.#advance(running);
  }

  /** Why nothing more may be begun; null where all is well. */
  #describeStop({ record, targets }: Running, wave: readonly FleetTarget[]): string | null {
    const raised = [...targets.values()].filter(({ newFlags }) => newFlags.length > 0);
    if (raised.length > record.errorsMax) {
      const [first] = raised;
      return `${raised.length} of the changed devices raised error flags; the first: ${first?.deviceId} ${first?.newFlags.join(", ")}.`;
    }
    const isFailure = ({ status, endedAtMs }: FleetTarget): boolean =>
      endedAtMs !== null && status !== "applied" && status !== "superseded";
    const inCanary = record.wave === 0 ? wave.find(isFailure) : undefined;
    if (inCanary !== undefined) {
      return `The canary ${inCanary.deviceId} did not apply it: ${inCanary.status}. ${inCanary.cause}`;
    }
    const failures = [...targets.values()].filter(isFailure).length;
    return failures > record.failuresMax ? `${failures} devices did not apply it; ${record.failuresMax} may.` : null;
  }

  /** Looks for error flags that a device did not have before it was changed. */
  #watchFlags(running: Running): void {
    let newErrors = running.record.newErrors;
    for (const target of running.targets.values()) {
      const { flagsBefore, newFlags, deviceId } = target;
      if (flagsBefore === null || newFlags.length > 0) continue;
      const raised = (this.#fleet.find(deviceId)?.error_flags ?? []).filter((flag) => !flagsBefore.includes(flag));
      if (raised.length === 0) continue;
      newErrors++;
      this.#put(running, { ...target, newFlags: raised });
    }
    if (newErrors !== running.record.newErrors) this.#update(running, { newErrors });
  }

  #give(running: Running, deviceId: string): void {
    const { record } = running;
    const target = running.targets.get(deviceId);
    // It may have been stopped or aborted while it waited for its turn.
    if (target?.status !== "waiting" || this.#isStopped) {
      running.giving.delete(deviceId);
      return;
    }
    const { commandId } = target;
    const given: FleetTarget = {
      ...target,
      status: "queued",
      flagsBefore: this.#fleet.find(deviceId)?.error_flags ?? [],
    };
    this.#put(running, given);
    const { action, payload, ttlMs, fleetCommandId } = record;
    const requester = requesterOf(record);
    const done = (): boolean => running.giving.delete(deviceId);
    // With its own id the command is given once, however often this is tried.
    this.#dispatcher
      .submit({ deviceId, commandId, action, payload, ttlMs, requester, fleetCommandId })
      .then((answer) => {
        done();
        if (!("code" in answer)) {
          // Given before a restart, it may have gone on, or ended, since.
          const newest = answer.history.at(-1);
          const isBehind = running.targets.get(deviceId)?.status === "queued" && answer.status !== "queued";
          if (isBehind && newest !== undefined) this.#follow(running, given, newest);
        }
        // A disk that does not take it may do so with the next tick; what else is refused is given up for this device.
        else if (answer.code === "commands_unavailable") this.#put(running, { ...target, flagsBefore: null });
        else {
          const atMs = this.#clock.wallMs();
          const isTheirs = answer.code !== "not_permitted";
          if (isTheirs) this.#follow(running, given, { status: "rejected", atMs, cause: answer.message });
          else this.#follow(running, given, { status: "cancelled", atMs, cause: notThisOne });
        }
      })
      .catch(() => {
        done();
        this.#put(running, { ...target, flagsBefore: null });
      });
  }

  #follow(running: Running, target: FleetTarget, { status, atMs, cause }: Step): void {
    const newest = running.targets.get(target.deviceId) ?? target;
    this.#put(running, { ...newest, status, cause, endedAtMs: hasEnded(status) ? atMs : null });
    this.#letGo(running);
  }

  /** After its end, until the last command that was on its way has ended as well. */
  #letGo(running: Running): void {
    const { record, targets } = running;
    const isOpen = ({ status }: FleetTarget): boolean =>
      status !== "skipped" && status !== "waiting" && !hasEnded(status);
    if (record.status === "running" || [...targets.values()].some(isOpen)) return;
    this.#update(running, { endCounts: countStatuses(targets.values()) });
    this.#running.delete(record.fleetCommandId);
  }

  #put(running: Running, target: FleetTarget): void {
    running.targets.set(target.deviceId, target);
    this.#journal.save({ table: "fleet_target", target });
  }

  #update(running: Running, change: Partial<FleetCommandRecord>): void {
    running.record = { ...running.record, ...change };
    this.#records.set(running.record.fleetCommandId, running.record);
    this.#journal.save({ table: "fleet_command", record: running.record });
  }

  #end(running: Running, status: "done" | "stopped" | "aborted", cause: string): void {
    for (const target of running.targets.values()) {
      if (target.status === "queued") this.#dispatcher.withdraw(target.deviceId, target.commandId, cause);
      if (target.status === "waiting") this.#put(running, { ...target, status: "skipped", cause });
    }
    this.#update(running, { status, cause, endedAtMs: this.#clock.wallMs() });
    this.#letGo(running);
  }
}

/** The sizes of the waves, the canary first. By default one device, then a quarter of the rest at a time. */
function waveSizes(count: number, { canary = 1, wave_size: waveSize }: NewFleetCommandBody): number[] {
  const first = Math.min(canary, count);
  const size = waveSize ?? Math.max(1, Math.ceil((count - first) / 4));
  const sizes = [first];
  for (let left = count - first; left > 0; left -= size) sizes.push(Math.min(size, left));
  return sizes;
}

function countStatuses(targets: Iterable<FleetTarget>): Partial<Record<FleetDeviceStatus, number>> {
  const counts: Partial<Record<FleetDeviceStatus, number>> = {};
  for (const { status } of targets) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
