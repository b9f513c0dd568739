import { type FleetDeviceStatus, type FleetRow, hasEnded } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { YieldQueue } from "../base/yield-queue.ts";
import type { CommandJournal } from "../commands/command-journal.ts";
import type { Step } from "../commands/command-record.ts";
import type { FleetCommandRecord, FleetTarget } from "../commands/fleet-command-record.ts";

/** What a rollout does at each of its devices: a command today. */
export interface RolloutJob {
  /**
   * Begins it at one device; once, however often it is asked, since the target has its id. Resolves with the step that it has come to, or with
   * null if it could not be begun just now.
   */
  submit(record: FleetCommandRecord, target: FleetTarget): Promise<Step | null>;
  /** Takes it back if it has not reached the device. */
  withdraw(target: FleetTarget, cause: string): void;
}

/** What a rollout needs of the manager that holds it. */
export interface RolloutOwner {
  readonly clock: Clock;
  readonly journal: CommandJournal;
  readonly job: RolloutJob;
  /** A wave of thousands must not hold up live samples. */
  readonly queue: YieldQueue;
  /** True once nothing more is to be begun. */
  readonly isStopped: boolean;
  findRow(deviceId: string): FleetRow | undefined;
  /** Whether the requester may still command devices. */
  mayStill(record: FleetCommandRecord): boolean;
  changed(record: FleetCommandRecord): void;
  /** Its last job has ended. */
  finished(record: FleetCommandRecord): void;
}

export const noLongerPermitted = "Its requester may no longer command devices.";

/**
 * One order on its way to many devices, carefully: a few first (the canary), all of which must apply it; then wave after wave, each only when
 * the one before has ended and its devices have been watched for a while. It stops by itself if changed devices raise error flags that they
 * did not have, or too many do not apply it.
 */
export class Rollout {
  readonly #owner: RolloutOwner;
  readonly #targets: Map<string, FleetTarget>;
  /** Targets whose job is being submitted just now. */
  readonly #submitting = new Set<string>();
  #record: FleetCommandRecord;

  constructor(record: FleetCommandRecord, targets: Iterable<FleetTarget>, owner: RolloutOwner) {
    this.#record = record;
    this.#targets = new Map([...targets].map((target) => [target.deviceId, target]));
    this.#owner = owner;
  }

  get record(): FleetCommandRecord {
    return this.#record;
  }

  targets(): FleetTarget[] {
    return [...this.#targets.values()];
  }

  counts(): Partial<Record<FleetDeviceStatus, number>> {
    const counts: Partial<Record<FleetDeviceStatus, number>> = {};
    for (const { status } of this.#targets.values()) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** After a restart: what became of each job meanwhile. `newest` is null for one that was never begun. */
  restoreStep(target: FleetTarget, newest: Step | null): void {
    if (newest === null) this.#put({ ...target, status: "waiting", flagsBefore: null });
    else if (newest.status !== target.status) this.#follow(target, newest);
  }

  /** Goes on as far as it may now; called twice a second. */
  advance(): void {
    const { status, wave, settleMs, waves } = this.#record;
    if (status !== "running") return;
    if (!this.#owner.mayStill(this.#record)) {
      this.end("stopped", noLongerPermitted);
      return;
    }
    this.#watchFlags();
    const ofWave = this.targets().filter((target) => target.wave === wave);
    const stopping = this.#stopReason(ofWave);
    if (stopping !== null) {
      this.end("stopped", stopping);
      return;
    }
    this.#submitWaiting(ofWave);
    if (ofWave.some(({ endedAtMs }) => endedAtMs === null)) return;
    const settledAtMs = Math.max(...ofWave.map(({ endedAtMs }) => endedAtMs ?? 0)) + settleMs;
    if (this.#owner.clock.wallMs() < settledAtMs) return;
    if (wave + 1 >= waves) {
      this.end("done", "Every wave is through.");
      return;
    }
    this.#update({ wave: wave + 1, cause: `${wave === 0 ? "The canary" : `Wave ${wave}`} is through.` });
    this.advance();
  }

  /** The job at a device has gone one step further. */
  noteStep(deviceId: string, step: Step): void {
    const target = this.#targets.get(deviceId);
    if (target !== undefined) this.#follow(target, step);
  }

  /** Begins no further wave, and takes back what no device has been given yet. */
  end(status: "done" | "stopped" | "aborted", cause: string): void {
    for (const target of this.#targets.values()) {
      if (target.status === "queued") this.#owner.job.withdraw(target, cause);
      if (target.status === "waiting") this.#put({ ...target, status: "skipped", cause });
    }
    this.#update({ status, cause, endedAtMs: this.#owner.clock.wallMs() });
    this.#finishIfDone();
  }

  /** Why nothing more may be begun; null if all is well. */
  #stopReason(wave: readonly FleetTarget[]): string | null {
    const { errorsMax, failuresMax } = this.#record;
    const raised = this.targets().filter(({ newFlags }) => newFlags.length > 0);
    if (raised.length > errorsMax) {
      const [first] = raised;
      return `${raised.length} of the changed devices raised error flags; the first: ${first?.deviceId} ${first?.newFlags.join(", ")}.`;
    }
    const isFailure = ({ status, endedAtMs }: FleetTarget): boolean =>
      endedAtMs !== null && status !== "applied" && status !== "superseded";
    const inCanary = this.#record.wave === 0 ? wave.find(isFailure) : undefined;
    if (inCanary !== undefined) {
      return `The canary ${inCanary.deviceId} did not apply it: ${inCanary.status}. ${inCanary.cause}`;
    }
    const failures = this.targets().filter(isFailure).length;
    return failures > failuresMax ? `${failures} devices did not apply it; ${failuresMax} may.` : null;
  }

  /** Looks for error flags that a device did not have before it was changed. */
  #watchFlags(): void {
    let { newErrors } = this.#record;
    for (const target of this.#targets.values()) {
      const { flagsBefore, newFlags, deviceId } = target;
      if (flagsBefore === null || newFlags.length > 0) continue;
      const raised = this.#flagsOf(deviceId).filter((flag) => !flagsBefore.includes(flag));
      if (raised.length === 0) continue;
      newErrors++;
      this.#put({ ...target, newFlags: raised });
    }
    if (newErrors !== this.#record.newErrors) this.#update({ newErrors });
  }

  #submitWaiting(wave: readonly FleetTarget[]): void {
    for (const { status, deviceId } of wave) {
      if (status !== "waiting" || this.#submitting.has(deviceId)) continue;
      this.#submitting.add(deviceId);
      if (!this.#owner.queue.pass(() => void this.#submit(deviceId))) this.#submitting.delete(deviceId);
    }
  }

  async #submit(deviceId: string): Promise<void> {
    const target = this.#targets.get(deviceId);
    // It may have been stopped or aborted while it waited for its turn.
    if (target?.status !== "waiting" || this.#owner.isStopped) {
      this.#submitting.delete(deviceId);
      return;
    }
    const submitted: FleetTarget = { ...target, status: "queued", flagsBefore: this.#flagsOf(deviceId) };
    this.#put(submitted);
    const reached = await this.#owner.job.submit(this.#record, target).catch(() => null);
    this.#submitting.delete(deviceId);
    // A disk that does not take it may do so with the next tick.
    if (reached === null) this.#put({ ...target, flagsBefore: null });
    // Given before a restart, it may have gone on, or ended, since.
    else if (reached.status !== "queued" && this.#targets.get(deviceId)?.status === "queued") {
      this.#follow(submitted, reached);
    }
  }

  #flagsOf(deviceId: string): readonly string[] {
    return this.#owner.findRow(deviceId)?.error_flags ?? [];
  }

  #follow(target: FleetTarget, { status, atMs, cause }: Step): void {
    const newest = this.#targets.get(target.deviceId) ?? target;
    this.#put({ ...newest, status, cause, endedAtMs: hasEnded(status) ? atMs : null });
    this.#finishIfDone();
  }

  /** After its end, until the last job that was on its way has ended as well. */
  #finishIfDone(): void {
    const isOpen = ({ status }: FleetTarget): boolean =>
      status !== "skipped" && status !== "waiting" && !hasEnded(status);
    if (this.#record.status === "running" || this.targets().some(isOpen)) return;
    this.#update({ endCounts: this.counts() });
    this.#owner.finished(this.#record);
  }

  #put(target: FleetTarget): void {
    this.#targets.set(target.deviceId, target);
    this.#owner.journal.save({ table: "fleet_target", target });
  }

  #update(change: Partial<FleetCommandRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#owner.journal.save({ table: "fleet_command", record: this.#record });
    this.#owner.changed(this.#record);
  }
}
