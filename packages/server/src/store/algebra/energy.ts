/** The powers from which energy is counted, in W, in the signs of the wire contract. */
export const energyStreams = ["grid.power", "battery.power", "solar.power", "load.power"] as const;
export type EnergyStream = (typeof energyStreams)[number];

/** What was moved, Wh, none of it negative; null where it was not measured. */
export interface Energy {
  readonly imported: number | null;
  readonly exported: number | null;
  readonly charged: number | null;
  readonly discharged: number | null;
  readonly produced: number | null;
  readonly consumed: number | null;
  /** Produced and not exported at the same moment. */
  readonly selfConsumed: number | null;
  /**
   * Consumed while neither the sun's power nor the house's was known, if the sun gave nothing: it is night, or there may be panels that
   * nobody measures. Which of the two says `withConsumption`.
   */
  readonly consumedWithoutSolar: number | null;
}

export const energyNames = [
  "imported",
  "exported",
  "charged",
  "discharged",
  "produced",
  "consumed",
  "selfConsumed",
  "consumedWithoutSolar",
] as const satisfies readonly (keyof Energy)[];

export const noEnergy: Energy = {
  imported: null,
  exported: null,
  charged: null,
  discharged: null,
  produced: null,
  consumed: null,
  selfConsumed: null,
  consumedWithoutSolar: null,
};

/** The powers of one device at one instant; null where it did not tell one. */
export interface PowerPoint {
  readonly atMs: number;
  readonly gridW: number | null;
  readonly batteryW: number | null;
  readonly solarW: number | null;
  readonly loadW: number | null;
}

/**
 * Counts energy from powers as they come, oldest first, by the trapezoid rule; a sign that changes on the way is split where the straight
 * line crosses zero. Nothing is counted over a step of more than `stepMsMax`, or where one of its ends does not have the power.
 */
export class EnergyMeter {
  readonly #stepMsMax: number;
  #imported = 0;
  #exported = 0;
  #charged = 0;
  #discharged = 0;
  #produced = 0;
  #consumed = 0;
  #selfConsumed = 0;
  #consumedWithoutSolar = 0;
  // Whether there was a step that has it.
  #hasGrid = false;
  #hasBattery = false;
  #hasSolar = false;
  #hasHouse = false;
  #hasHouseWithoutSolar = false;
  #atMs = Number.NEGATIVE_INFINITY;
  #gridW = Number.NaN;
  #batteryW = Number.NaN;
  #solarW = Number.NaN;
  #houseW = Number.NaN;
  #withoutSolarW = Number.NaN;
  #usedW = Number.NaN;

  constructor(stepMsMax: number) {
    this.#stepMsMax = stepMsMax;
  }

  /** Powers at one instant, W; NaN where one is not known. */
  add(atMs: number, gridW: number, batteryW: number, solarW: number, loadW: number): void {
    const stepMs = atMs - this.#atMs;
    const restW = gridW - (Number.isNaN(batteryW) ? 0 : batteryW);
    // What the house takes where it is not told: what comes in and does not go into the battery.
    const houseW = Number.isNaN(loadW) ? Math.max(0, solarW + restW) : loadW;
    const withoutSolarW = Number.isNaN(houseW) && Number.isNaN(solarW) ? Math.max(0, restW) : Number.NaN;
    // Produced and not sold at the same moment; where the grid is not known, nothing is sold.
    const usedW = Math.max(0, solarW - (gridW < 0 ? -gridW : 0));
    if (stepMs > 0 && stepMs <= this.#stepMsMax) {
      const hours = stepMs / 3_600_000;
      this.#imported += positiveMean(this.#gridW, gridW) * hours;
      this.#exported += positiveMean(-this.#gridW, -gridW) * hours;
      this.#charged += positiveMean(this.#batteryW, batteryW) * hours;
      this.#discharged += positiveMean(-this.#batteryW, -batteryW) * hours;
      this.#produced += positiveMean(this.#solarW, solarW) * hours;
      this.#consumed += positiveMean(this.#houseW, houseW) * hours;
      this.#selfConsumed += positiveMean(this.#usedW, usedW) * hours;
      this.#hasGrid ||= isKnown(this.#gridW, gridW);
      this.#hasBattery ||= isKnown(this.#batteryW, batteryW);
      this.#hasSolar ||= isKnown(this.#solarW, solarW);
      this.#hasHouse ||= isKnown(this.#houseW, houseW);
      if (!isKnown(this.#houseW, houseW)) {
        const beforeW = Number.isNaN(this.#houseW) ? this.#withoutSolarW : this.#houseW;
        const afterW = Number.isNaN(houseW) ? withoutSolarW : houseW;
        this.#consumedWithoutSolar += positiveMean(beforeW, afterW) * hours;
        this.#hasHouseWithoutSolar ||= isKnown(beforeW, afterW);
      }
    }
    this.#atMs = atMs;
    this.#gridW = gridW;
    this.#batteryW = batteryW;
    this.#solarW = solarW;
    this.#houseW = houseW;
    this.#withoutSolarW = withoutSolarW;
    this.#usedW = usedW;
  }

  read(): Energy {
    return {
      imported: this.#hasGrid ? this.#imported : null,
      exported: this.#hasGrid ? this.#exported : null,
      charged: this.#hasBattery ? this.#charged : null,
      discharged: this.#hasBattery ? this.#discharged : null,
      produced: this.#hasSolar ? this.#produced : null,
      consumed: this.#hasHouse ? this.#consumed : null,
      selfConsumed: this.#hasSolar ? this.#selfConsumed : null,
      consumedWithoutSolar: this.#hasHouseWithoutSolar ? this.#consumedWithoutSolar : null,
    };
  }
}

/** The energy of a step, which is covered, as an {@link EnergyMeter} counts it. */
export function energyBetween(from: PowerPoint, to: PowerPoint): Energy {
  const meter = new EnergyMeter(Number.MAX_SAFE_INTEGER);
  for (const { atMs, gridW, batteryW, solarW, loadW } of [from, to]) {
    meter.add(atMs, gridW ?? Number.NaN, batteryW ?? Number.NaN, solarW ?? Number.NaN, loadW ?? Number.NaN);
  }
  return meter.read();
}

/** The powers on the straight line between two instants. */
export function powerBetween(from: PowerPoint, to: PowerPoint, atMs: number): PowerPoint {
  const share = (atMs - from.atMs) / (to.atMs - from.atMs);
  const at = (a: number | null, b: number | null) => (a === null || b === null ? null : a + share * (b - a));
  return {
    atMs,
    gridW: at(from.gridW, to.gridW),
    batteryW: at(from.batteryW, to.batteryW),
    solarW: at(from.solarW, to.solarW),
    loadW: at(from.loadW, to.loadW),
  };
}

export function addEnergy(a: Energy, b: Energy): Energy {
  return {
    imported: plus(a.imported, b.imported),
    exported: plus(a.exported, b.exported),
    charged: plus(a.charged, b.charged),
    discharged: plus(a.discharged, b.discharged),
    produced: plus(a.produced, b.produced),
    consumed: plus(a.consumed, b.consumed),
    selfConsumed: plus(a.selfConsumed, b.selfConsumed),
    consumedWithoutSolar: plus(a.consumedWithoutSolar, b.consumedWithoutSolar),
  };
}

/** With a plant that has panels, what it does not tell of them is nothing: it is night. Without, nobody knows what the house took. */
export function withConsumption(energy: Energy, hasSolar: boolean): Energy {
  const consumed = hasSolar ? plus(energy.consumed, energy.consumedWithoutSolar) : energy.consumed;
  return { ...energy, consumed, consumedWithoutSolar: null };
}

function plus(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

function isKnown(a: number, b: number): boolean {
  return !Number.isNaN(a) && !Number.isNaN(b);
}

/** The mean of max(0, x) along the straight line from a to b; 0 where one of them is NaN. */
function positiveMean(a: number, b: number): number {
  if (a >= 0 && b >= 0) return (a + b) / 2;
  if (!(a > 0 || b > 0) || Number.isNaN(a) || Number.isNaN(b)) return 0;
  const peak = Math.max(a, b);
  return (peak * peak) / (2 * Math.abs(a - b));
}
