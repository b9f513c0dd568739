import { limits } from "@wattboard/protocol/constants";
import type { Clock } from "../base/clock.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import type { SampleSink } from "../telemetry/sample-sink.ts";
import type { Evidence } from "./alarm-record.ts";
import { type PreparedRule, ringingEvidence, saidValue } from "./prepared-rule.ts";
import { RuleState, type Said } from "./rule-state.ts";
import type { WatchedDevice } from "./watched-device.ts";

/** A rule began or ceased to ring for a device. */
export interface RuleChange {
  readonly watched: WatchedDevice;
  readonly prepared: PreparedRule;
  readonly isRinging: boolean;
  /** When. */
  readonly atMs: number;
  /** Since when it has held, or has been over. */
  readonly sinceMs: number;
  readonly evidence: Evidence;
}

export interface DeviceWatchServices {
  readonly clock: Clock;
  /** The device of this state as alarms know it; undefined: it is not registered any more. */
  readonly watch: (state: DeviceState) => WatchedDevice | undefined;
  readonly isOnline: (deviceId: string) => boolean;
  readonly changed: (change: RuleChange) => void;
  /** It rings, and now for these values. */
  readonly evidence: (watched: WatchedDevice, prepared: PreparedRule, evidence: Evidence) => void;
}

/** A sample that was measured up to so long ago may still be on its way: time alone changes nothing before, ms. */
const onItsWayMs = 2_000;

/** Holds the rules on samples against what devices send. A sample of which no rule has anything to say costs a look at a few points. */
export class DeviceWatch implements SampleSink {
  readonly #services: DeviceWatchServices;
  readonly #watched = new Map<DeviceState, WatchedDevice>();
  /** What time alone may change. */
  readonly #pending = new Map<RuleState, WatchedDevice>();
  #now: WatchedDevice | null = null;
  #said: Said | null = null;

  constructor(services: DeviceWatchServices) {
    this.#services = services;
  }

  accept(device: DeviceState, sample: Sample): void {
    const watched = this.find(device);
    if (watched === undefined) return;
    const { receivedAtMs, observedAtMs } = sample;
    watched.heardAtMs = receivedAtMs;
    watched.step.note(receivedAtMs);
    if (watched.isSilent && Number.isNaN(watched.backSinceMs)) watched.backSinceMs = receivedAtMs;
    // What says nothing of the present rings nothing.
    if (receivedAtMs - observedAtMs > limits.staleAfterMs || !device.isNewest(sample)) return;
    if (observedAtMs > watched.atMs) watched.atMs = observedAtMs;
    const isClockOff = device.clock.clock === "server";
    if (watched.states === null && !isClockOff && !watched.plan.concerns(sample)) return;
    this.#take(watched, sample, isClockOff);
  }

  /** Time has come this far. */
  tick(nowMs: number): void {
    for (const [state, watched] of this.#pending) {
      this.#now = watched;
      this.#said = null;
      state.settle(nowMs - onItsWayMs, this.#holdMs(watched), this.#onChange);
      this.#note(watched, state);
    }
  }

  /** Which rules are about the device is told anew: what no rule asks any more is forgotten. Gives those that rang. */
  replan(watched: WatchedDevice): string[] {
    const ended: string[] = [];
    for (const [ruleId, state] of watched.states ?? []) {
      const prepared = planned(watched).find(({ rule }) => rule.ruleId === ruleId);
      if (prepared === state.prepared) continue;
      this.#pending.delete(state);
      watched.drop(ruleId);
      if (!state.onset.isRinging) continue;
      // It goes on ringing, until the next sample says otherwise by the rule as it is now.
      if (prepared === undefined) ended.push(ruleId);
      else this.resume(watched, prepared, state.onset.heldSinceMs);
    }
    return ended;
  }

  /** It rings since then, as was stored. */
  resume(watched: WatchedDevice, prepared: PreparedRule, heldSinceMs: number): void {
    const { onset } = watched.stateOf(prepared.rule.ruleId, () => new RuleState(prepared));
    onset.isRinging = true;
    onset.heldSinceMs = heldSinceMs;
  }

  /** It has held since then, or has been over where it rings, as was stored; the device's newest sample has to say the same. */
  resumeOnset(watched: WatchedDevice, prepared: PreparedRule, sinceMs: number): void {
    const newest = watched.state.latest;
    if (newest === null || newest.observedAtMs < sinceMs) return;
    const state = watched.stateOf(prepared.rule.ruleId, () => new RuleState(prepared));
    state.onset.sinceMs = sinceMs;
    state.onset.seenMs = newest.observedAtMs;
    this.#now = watched;
    this.#said = newest;
    state.take(newest, newest.observedAtMs, this.#holdMs(watched), watched.state.isWholeInEach, this.#onChange);
    this.#note(watched, state);
  }

  /** The server's clock was set by so much, ms. */
  shift(byMs: number): void {
    for (const state of this.#pending.keys()) state.onset.shift(byMs);
  }

  forget(watched: WatchedDevice): void {
    this.#watched.delete(watched.state);
    for (const state of watched.states?.values() ?? []) this.#pending.delete(state);
    watched.states = null;
  }

  /** Rules that are about to ring, or to be over. */
  get pending(): ReadonlyMap<RuleState, WatchedDevice> {
    return this.#pending;
  }

  /** The device as it is watched, from now on where it was not. */
  find(device: DeviceState): WatchedDevice | undefined {
    let watched = this.#watched.get(device);
    if (watched !== undefined) return watched;
    watched = this.#services.watch(device);
    if (watched !== undefined) this.#watched.set(device, watched);
    return watched;
  }

  #holdMs(watched: WatchedDevice): number {
    return watched.holdMs(watched.mayRest && this.#services.isOnline(watched.deviceId));
  }

  #take(watched: WatchedDevice, sample: Said, isClockOff: boolean): void {
    this.#now = watched;
    this.#said = sample;
    const { plan } = watched;
    for (const prepared of plan.rules) this.#judge(watched, prepared, sample);
    if (plan.clockOff === null) return;
    const clock = { values: {}, clock: isClockOff ? "server" : "device" } as const;
    this.#said = clock;
    this.#judge(watched, plan.clockOff, clock);
  }

  #judge(watched: WatchedDevice, prepared: PreparedRule, sample: Said): void {
    const { ruleId } = prepared.rule;
    let state = watched.states?.get(ruleId);
    if (state === undefined) {
      if (!mayHold(prepared, sample)) return;
      state = watched.stateOf(ruleId, () => new RuleState(prepared));
    }
    const { isWholeInEach } = watched.state;
    state.take(sample, watched.atMs, this.#holdMs(watched), isWholeInEach, this.#onChange);
    if (prepared.rule.kind === "error_flag" && state.onset.isRinging) this.#noteFlags(watched, state, sample);
    this.#note(watched, state);
  }

  /** Another flag than those it has rung for. */
  #noteFlags(watched: WatchedDevice, state: RuleState, sample: Said): void {
    const { prepared } = state;
    const [test] = prepared.when;
    const flags = test && saidValue(sample, test);
    if (!Array.isArray(flags) || flags.every((flag) => state.flags.has(flag))) return;
    for (const flag of flags) state.flags.add(flag);
    this.#services.evidence(watched, prepared, { [test?.point ?? ""]: [...state.flags] });
  }

  #note(watched: WatchedDevice, state: RuleState): void {
    if (state.onset.isPending) this.#pending.set(state, watched);
    else this.#pending.delete(state);
    if (state.isIdle) watched.drop(state.prepared.rule.ruleId);
  }

  readonly #onChange = (state: RuleState, atMs: number): void => {
    const watched = this.#now;
    if (watched === null) return;
    const { prepared, onset } = state;
    state.flags.clear();
    // Time alone made it ring: then what it rings for is what was said last.
    const said = this.#said ?? watched.state.latest;
    this.#services.changed({
      watched,
      prepared,
      isRinging: onset.isRinging,
      atMs,
      sinceMs: onset.heldSinceMs,
      evidence: onset.isRinging && said !== null ? ringingEvidence(said, prepared) : {},
    });
  };
}

/** All rules on samples that are about the device. */
function planned({ plan }: WatchedDevice): readonly PreparedRule[] {
  return plan.clockOff === null ? plan.rules : [...plan.rules, plan.clockOff];
}

/** Whether the sample says nothing against the rule, and something for it. */
function mayHold({ when }: PreparedRule, sample: Said): boolean {
  let isMet = false;
  for (const test of when) {
    const value = saidValue(sample, test);
    if (value === undefined || value === null) continue;
    if (!test.meets(value)) return false;
    isMet = true;
  }
  return isMet;
}
