export interface InverterSpec {
  /** AC power, in either direction. */
  readonly ratedW: number;
}

/** Power through a hybrid inverter. `solarW − batteryW − acW = lossW`, and the loss is never negative. */
export interface InverterFlow {
  /** Direct current taken from the panels. */
  solarW: number;
  /** To the battery's terminals; + charges. */
  batteryW: number;
  /** To the house; negative when it draws from there, to charge the battery or for its own standby. */
  acW: number;
  lossW: number;
}

const standbyShare = 0.0025;
const linearLoss = 0.014;
const squareLoss = 0.012;
const batteryStageLoss = 0.012;

/**
 * Panels and battery share a direct-current bus, with one bridge to the house. The bridge loses a standby power, a part
 * linear in its AC power (switches) and a part square in it (copper); the battery's stage loses a part linear in the battery's power.
 */
export class Inverter {
  readonly ratedW: number;
  readonly #standbyW: number;
  readonly #perW: number;
  readonly flow: InverterFlow = { solarW: 0, batteryW: 0, acW: 0, lossW: 0 };

  constructor(spec: InverterSpec) {
    this.ratedW = spec.ratedW;
    this.#standbyW = 2 + standbyShare * spec.ratedW;
    this.#perW = squareLoss / spec.ratedW;
  }

  /** The battery power with which the house would take exactly `acW`, before any limit of the battery. */
  batteryForAcW(acW: number, solarW: number): number {
    const surplusW = solarW - this.#busForAcW(Math.max(-this.ratedW, Math.min(this.ratedW, acW)));
    return this.#batteryForBusW(surplusW);
  }

  /**
   * Keeps a wanted battery power to what the bridge carries together with the sun. Sun goes before the battery, since it cannot be kept.
   */
  limitBatteryW(wantedW: number, solarW: number): number {
    const mostW = this.#batteryForBusW(solarW - this.#busForAcW(-this.ratedW));
    const leastW = Math.min(0, this.#batteryForBusW(solarW - this.#busForAcW(this.ratedW)));
    return Math.max(leastW, Math.min(mostW, wantedW));
  }

  /** What flows with this battery power (within `limitBatteryW`) and this much sun at hand. Throttles the panels when the bridge is full. */
  run(availableSolarW: number, batteryW: number): InverterFlow {
    const stageLossW = batteryStageLoss * Math.abs(batteryW);
    const busMaxW = this.#busForAcW(this.ratedW);
    const solarW = Math.min(availableSolarW, Math.max(0, busMaxW + batteryW + stageLossW));
    const acW = Math.min(this.ratedW, this.#acForBusW(solarW - batteryW - stageLossW));
    return this.#set(solarW, batteryW, acW);
  }

  /** Disconnected from everything. */
  off(): InverterFlow {
    return this.#set(0, 0, 0);
  }

  #set(solarW: number, batteryW: number, acW: number): InverterFlow {
    this.flow.solarW = solarW;
    this.flow.batteryW = batteryW;
    this.flow.acW = acW;
    this.flow.lossW = solarW - batteryW - acW;
    return this.flow;
  }

  /** What the bridge takes from the bus to give `acW`; negative when it feeds the bus. */
  #busForAcW(acW: number): number {
    return acW + this.#standbyW + linearLoss * Math.abs(acW) + this.#perW * acW * acW;
  }

  /** The inverse of `busForAcW`: the root of its quadratic on the side of the sign. */
  #acForBusW(busW: number): number {
    const netW = busW - this.#standbyW;
    const slope = netW >= 0 ? 1 + linearLoss : 1 - linearLoss;
    const rootOf = slope * slope + 4 * this.#perW * netW;
    return (2 * netW) / (slope + Math.sqrt(Math.max(0, rootOf)));
  }

  /** The battery power that, with the loss of its stage, takes `surplusW` from the bus. */
  #batteryForBusW(surplusW: number): number {
    return surplusW / (surplusW > 0 ? 1 + batteryStageLoss : 1 - batteryStageLoss);
  }
}
