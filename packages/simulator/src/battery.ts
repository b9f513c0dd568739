export interface BatterySpec {
  readonly capacityWh: number;
  /** LFP cells in series: 16 make the usual 51.2 V. */
  readonly cells: number;
  readonly chargeMaxW: number;
  readonly dischargeMaxW: number;
}

/** Open-circuit voltage of one LFP cell against its state of charge: flat in the middle, steep at the ends. */
const curve = [
  [0, 2.85],
  [0.05, 3.1],
  [0.1, 3.2],
  [0.2, 3.25],
  [0.35, 3.285],
  [0.6, 3.3],
  [0.7, 3.33],
  [0.9, 3.345],
  [0.97, 3.38],
  [1, 3.5],
] as const;

/** Share of the charging power that the cells keep; the rest becomes heat. */
const chargeEfficiency = 0.985;
/** Ohm of one cell times its capacity in Wh: a larger cell has less resistance. */
const cellOhmWh = 0.4;
const heatCapacityJPerKPerWh = 9;
const coolingTimeConstantS = 7_200;

const taperFrom = 0.92;
const taperTo = 0.05;
const emptyFrom = 0.1;
/** The battery management keeps the last of the charge, since cells that are drained to nothing die. */
export const reserveSoc = 0.05;

/** What a step did to the battery, in W over the step. */
export interface BatteryFlow {
  /** At the terminals; + charges. */
  powerW: number;
  /** Became heat inside: resistance, and what charging does not keep. */
  lossW: number;
}

/**
 * A lithium iron phosphate battery: energy content, open-circuit voltage behind an internal resistance, limits that follow charge and
 * temperature, and one lump of heat. Over each step, `powerW · t = change of storedWh · 3600 + lossW · t`.
 */
export class Battery {
  storedWh: number;
  temperatureC: number;
  currentA = 0;
  voltageV: number;
  readonly flow: BatteryFlow = { powerW: 0, lossW: 0 };
  /** 1 in health; a loose contact multiplies it. */
  resistanceFactor = 1;

  readonly #spec: BatterySpec;
  readonly #ohmAt25C: number;

  constructor(spec: BatterySpec, soc: number, temperatureC: number) {
    this.#spec = spec;
    this.storedWh = soc * spec.capacityWh;
    this.temperatureC = temperatureC;
    this.voltageV = this.openCircuitV();
    // The pack's cells share its capacity: n cells in series of capacity/n each.
    this.#ohmAt25C = (cellOhmWh * spec.cells * spec.cells) / spec.capacityWh;
  }

  /** 0 to 1. */
  get soc(): number {
    return this.storedWh / this.#spec.capacityWh;
  }

  openCircuitV(): number {
    const soc = this.soc;
    let from: readonly [number, number] = curve[0];
    for (const to of curve) {
      if (soc <= to[0]) {
        const share = to[0] === from[0] ? 0 : (soc - from[0]) / (to[0] - from[0]);
        return this.#spec.cells * (from[1] + share * (to[1] - from[1]));
      }
      from = to;
    }
    return this.#spec.cells * from[1];
  }

  /** The most that it takes at its terminals for `dtS`: tapers from 92 % on, and below 10 °C; never more than there is room for. */
  chargeLimitW(dtS: number): number {
    const soc = this.soc;
    const taper = soc <= taperFrom ? 1 : taperTo + (1 - taperTo) * ((1 - soc) / (1 - taperFrom));
    const warm = clamp01(this.temperatureC / 10);
    const limitW = this.#spec.chargeMaxW * taper * Math.min(warm, this.#coolness());
    const roomW = ((this.#spec.capacityWh - this.storedWh) * 3_600) / dtS / chargeEfficiency;
    return Math.max(0, Math.min(limitW, this.#terminalW(roomW)));
  }

  /** The most that it gives at its terminals for `dtS`: tapers under 10 %, and below −10 °C; never into the reserve. */
  dischargeLimitW(dtS: number): number {
    const taper = this.soc >= emptyFrom ? 1 : taperTo + (1 - taperTo) * (this.soc / emptyFrom);
    const warm = clamp01((this.temperatureC + 20) / 10);
    const limitW = this.#spec.dischargeMaxW * taper * Math.min(warm, this.#coolness());
    const heldW = (Math.max(0, this.storedWh - reserveSoc * this.#spec.capacityWh) * 3_600) / dtS;
    // At half of V²/R inside, a battery gives its most; more current only makes heat. Stay below.
    const matchedW = (0.4 * this.openCircuitV() ** 2) / this.#ohm();
    return Math.max(0, Math.min(limitW, -this.#terminalW(-Math.min(heldW, matchedW))));
  }

  /** Charges (+) or discharges (−) with `powerW` for `dtS` seconds. The caller keeps to the limits; what exceeds them is cut off. */
  step(powerW: number, dtS: number, ambientC: number): BatteryFlow {
    const actualW =
      powerW > 0 ? Math.min(powerW, this.chargeLimitW(dtS)) : Math.max(powerW, -this.dischargeLimitW(dtS));
    const openV = this.openCircuitV();
    const ohm = this.#ohm();
    const currentA = (Math.sqrt(openV * openV + 4 * ohm * actualW) - openV) / (2 * ohm);
    const cellsW = openV * currentA;
    const keptW = cellsW > 0 ? cellsW * chargeEfficiency : cellsW;

    this.storedWh = clamp(this.storedWh + (keptW * dtS) / 3_600, 0, this.#spec.capacityWh);
    this.currentA = currentA;
    this.voltageV = openV + currentA * ohm;
    this.flow.powerW = actualW;
    this.flow.lossW = actualW - keptW;
    this.#warm(dtS, ambientC);
    return this.flow;
  }

  #warm(dtS: number, ambientC: number): void {
    const kelvinPerW = coolingTimeConstantS / (heatCapacityJPerKPerWh * this.#spec.capacityWh);
    const steadyC = ambientC + this.flow.lossW * kelvinPerW;
    this.temperatureC = steadyC + (this.temperatureC - steadyC) * Math.exp(-dtS / coolingTimeConstantS);
  }

  /** 1 up to 45 °C, 0 from 65 °C on. */
  #coolness(): number {
    return clamp01((65 - this.temperatureC) / 20);
  }

  /** Resistance rises in the cold. */
  #ohm(): number {
    return this.#ohmAt25C * this.resistanceFactor * (1 + 0.015 * Math.max(0, 25 - this.temperatureC));
  }

  /** The power at the terminals when the cells take (+) or give (−) `cellsW`. */
  #terminalW(cellsW: number): number {
    const currentA = cellsW / this.openCircuitV();
    return cellsW + currentA * currentA * this.#ohm();
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** A share: neither less than nothing nor more than all. */
export function clamp01(value: number): number {
  return clamp(value, 0, 1);
}
