import { isOfSmartOs, limits } from "@wattboard/protocol/constants";
import { type Device, propertiesOf } from "../devices/device-registry.ts";
import type { DeviceState } from "../devices/device-state.ts";
import { stepMsMaxOf } from "../store/algebra/steps.ts";
import { windowMs } from "../store/algebra/window.ts";
import type { RulePlan } from "./rule-plan.ts";
import type { RuleState } from "./rule-state.ts";
import type { Trait } from "./shared-cause.ts";
import { UsualStep } from "./usual-step.ts";

/** What alarms hold of a device that has been heard: bounded by the fleet, and of its rules only those that hold or are about to. */
export class WatchedDevice {
  readonly state: DeviceState;
  readonly step = new UsualStep();
  /** As it is registered; another object where it has another name or other properties. */
  device: Device;
  properties: Readonly<Record<string, string>>;
  /** It sends on change alone: while its link is there it is not silent, however long nothing comes. */
  mayRest: boolean;
  plan: RulePlan;
  /** By rule; null: none holds, or is about to. */
  states: Map<string, RuleState> | null = null;
  /** When it was heard last, by the server's clock. */
  heardAtMs: number;
  /** When its newest sample was measured. */
  atMs = Number.NEGATIVE_INFINITY;
  /** Whether the rule `no_data` is about it. */
  isExpected = true;
  isSilent = false;
  /** Since when it has been back, while it is called silent; NaN: it is not. */
  backSinceMs = Number.NaN;
  /** The usual step that is stored; null: none is. */
  storedStepMs: number | null = null;
  /** Of which state of the rules its plan is. */
  planNumber = 0;
  /** What it shares with others. */
  traits: readonly Trait[];

  constructor(state: DeviceState, device: Device, plan: RulePlan, traits: readonly Trait[]) {
    this.state = state;
    this.device = device;
    this.properties = propertiesOf(device);
    this.mayRest = isOfSmartOs(this.properties);
    this.traits = traits;
    this.plan = plan;
    this.heardAtMs = state.latestReceivedAtMs;
  }

  /** It has another name, other properties, or other rules. */
  become(device: Device, traits: readonly Trait[], plan: RulePlan): void {
    this.device = device;
    this.properties = propertiesOf(device);
    this.mayRest = isOfSmartOs(this.properties);
    this.traits = traits;
    this.plan = plan;
  }

  get deviceId(): string {
    return this.device.deviceId;
  }

  get key(): string {
    return this.device.registration.key;
  }

  /** How long a sample speaks for the time after it. What is silent by nature is as it said, for an hour at most, while its link is there. */
  holdMs(isOnline: boolean): number {
    if (this.mayRest) return isOnline ? limits.idleMsMax : limits.staleAfterMs;
    return stepMsMaxOf(Number.isNaN(this.step.usualMs) ? 0 : this.step.usualMs);
  }

  /** How long it may send nothing: as long as it speaks for, and longer while nobody knows what is usual (ADR 66). */
  get silenceMsMax(): number {
    return Number.isNaN(this.step.usualMs) ? windowMs : stepMsMaxOf(this.step.usualMs);
  }

  /** Gives the rule's state; made where there is none. */
  stateOf(ruleId: string, make: () => RuleState): RuleState {
    this.states ??= new Map();
    let state = this.states.get(ruleId);
    if (state === undefined) {
      state = make();
      this.states.set(ruleId, state);
    }
    return state;
  }

  drop(ruleId: string): void {
    this.states?.delete(ruleId);
    if (this.states?.size === 0) this.states = null;
  }
}
