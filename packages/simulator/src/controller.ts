import type { DeviceMode, DeviceState, TargetMode } from "@wattboard/protocol";
import { reserveSoc } from "./battery.ts";

/** What the controller reads before each decision. */
export interface Readings {
  /** 0 to 1. */
  soc: number;
  /** The battery power with which nothing would cross the grid's meter. */
  selfConsumptionW: number;
  dtS: number;
}

/** Below this a battery does nothing: its electronics would cost more than it moves. */
const leastPowerW = 8;
/** Charging stops at `fullAt` and starts again under `refillAt`; the gap keeps a full battery from chattering. */
const fullAt = 0.999;
const refillAt = 0.97;
/** How far above the reserve discharging stops, and starts again. */
const emptyGap = 0.001;
const reuseGap = 0.03;
/** How fast an inverter follows its meter; the difference shows as short peaks at the grid. */
const regulationTimeConstantS = 1.2;

/** Decides what the battery does: the modes AUTO and MANUAL, and the state that is reported. */
export class Controller {
  state: DeviceState = "IDLE";
  targetMode: TargetMode = "AUTO";
  /** Discharging stops here, 0 to 1; never below what the battery keeps for itself. */
  reserve = reserveSoc;
  /** Charging takes no more than this, W. */
  chargeMaxW = Number.POSITIVE_INFINITY;
  #targetPowerW = Number.POSITIVE_INFINITY;
  #powerW = 0;
  #full = false;
  #empty = false;

  get mode(): DeviceMode {
    return this.targetMode === "AUTO" ? "AUTO" : "MANUAL";
  }

  /** W, in the direction that the mode names; null where none was given. */
  get targetPowerW(): number | null {
    return Number.isFinite(this.#targetPowerW) ? this.#targetPowerW : null;
  }

  /** `powerW` is the battery's, in the direction that the mode names; left out, it is as much as the battery takes or gives. */
  setMode(targetMode: TargetMode, powerW: number = Number.POSITIVE_INFINITY): void {
    this.targetMode = targetMode;
    this.#targetPowerW = powerW;
  }

  /** The battery power to try for (+ charges); the battery's and the inverter's limits come after. */
  decide(readings: Readings, chargeLimitW: number, dischargeLimitW: number): number {
    this.#full = readings.soc >= (this.#full ? refillAt : fullAt);
    this.#empty = readings.soc <= this.reserve + (this.#empty ? reuseGap : emptyGap);

    const mostW = this.#full ? 0 : Math.min(chargeLimitW, this.chargeMaxW);
    const leastW = this.#empty ? 0 : -dischargeLimitW;
    const wantedW = Math.max(leastW, Math.min(mostW, this.#wantedW(readings.selfConsumptionW)));
    const reached = -Math.expm1(-readings.dtS / regulationTimeConstantS);
    this.#powerW = Math.max(leastW, Math.min(mostW, this.#powerW + (wantedW - this.#powerW) * reached));
    return Math.abs(this.#powerW) < leastPowerW ? 0 : this.#powerW;
  }

  /** Draws the state from what the battery did in this step. */
  settle(batteryW: number, soc: number): void {
    if (batteryW > 0) this.state = "CHARGING";
    else if (batteryW < 0) this.state = "DISCHARGING";
    else if (this.#full || soc >= fullAt) this.state = "FULL";
    else if (this.#empty || soc <= this.reserve + emptyGap) this.state = "EMPTY";
    else this.state = "IDLE";
  }

  /** The battery stops at once. */
  fail(): void {
    this.#powerW = 0;
    this.state = "ERROR";
  }

  /** Nothing runs: the box starts anew. What was set by hand is gone, the parameters are kept. */
  restart(): void {
    this.#powerW = 0;
    this.state = "IDLE";
    this.setMode("AUTO");
  }

  #wantedW(selfConsumptionW: number): number {
    switch (this.targetMode) {
      case "AUTO":
        return selfConsumptionW;
      case "MANUAL_CHARGE":
        return this.#targetPowerW;
      case "MANUAL_DISCHARGE":
        return -this.#targetPowerW;
      case "MANUAL_IDLE":
        return 0;
    }
  }
}
