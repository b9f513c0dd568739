/** A silence longer than this is a gap: nothing is assumed about it. ms. */
export const gapMsMax = 30_000;

/** The powers from which energy is counted, in W, in the signs of the wire contract. */
export const energyStreams = ["grid.power", "battery.power", "solar.power", "load.power"] as const;
export type EnergyStream = (typeof energyStreams)[number];

/** What was moved, Wh, none of it negative. */
export interface Energy {
  readonly imported: number;
  readonly exported: number;
  readonly charged: number;
  readonly discharged: number;
  readonly produced: number;
  readonly consumed: number;
  /** Produced and not exported at the same moment. */
  readonly selfConsumed: number;
}

export const energyNames = [
  "imported",
  "exported",
  "charged",
  "discharged",
  "produced",
  "consumed",
  "selfConsumed",
] as const satisfies readonly (keyof Energy)[];

export const noEnergy: Energy = {
  imported: 0,
  exported: 0,
  charged: 0,
  discharged: 0,
  produced: 0,
  consumed: 0,
  selfConsumed: 0,
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
 * line crosses zero. Nothing is counted between samples more than {@link gapMsMax} apart, or where one of them does not have the power.
 */
export class EnergyMeter {
  #imported = 0;
  #exported = 0;
  #charged = 0;
  #discharged = 0;
  #produced = 0;
  #consumed = 0;
  #selfConsumed = 0;
  #atMs = Number.NEGATIVE_INFINITY;
  #gridW = Number.NaN;
  #batteryW = Number.NaN;
  #solarW = Number.NaN;
  #loadW = Number.NaN;
  #usedW = Number.NaN;

  /** Powers at one instant, W; NaN where one is not known. */
  add(atMs: number, gridW: number, batteryW: number, solarW: number, loadW: number): void {
    const stepMs = atMs - this.#atMs;
    const houseW = Number.isNaN(loadW) ? consumption(gridW, batteryW, solarW) : loadW;
    // Produced and not sold at the same moment; where the grid is not known, nothing is sold.
    const usedW = Math.max(0, solarW - (gridW < 0 ? -gridW : 0));
    if (stepMs > 0 && stepMs <= gapMsMax) {
      const hours = stepMs / 3_600_000;
      this.#imported += positiveMean(this.#gridW, gridW) * hours;
      this.#exported += positiveMean(-this.#gridW, -gridW) * hours;
      this.#charged += positiveMean(this.#batteryW, batteryW) * hours;
      this.#discharged += positiveMean(-this.#batteryW, -batteryW) * hours;
      this.#produced += positiveMean(this.#solarW, solarW) * hours;
      this.#consumed += positiveMean(this.#loadW, houseW) * hours;
      this.#selfConsumed += positiveMean(this.#usedW, usedW) * hours;
    }
    this.#atMs = atMs;
    this.#gridW = gridW;
    this.#batteryW = batteryW;
    this.#solarW = solarW;
    this.#loadW = houseW;
    this.#usedW = usedW;
  }

  read(): Energy {
    return {
      imported: this.#imported,
      exported: this.#exported,
      charged: this.#charged,
      discharged: this.#discharged,
      produced: this.#produced,
      consumed: this.#consumed,
      selfConsumed: this.#selfConsumed,
    };
  }
}

/** The energy between two instants that follow each other, as an {@link EnergyMeter} counts it. */
export function energyBetween(from: PowerPoint, to: PowerPoint): Energy {
  const meter = new EnergyMeter();
  for (const { atMs, gridW, batteryW, solarW, loadW } of [from, to]) {
    meter.add(atMs, gridW ?? Number.NaN, batteryW ?? Number.NaN, solarW ?? Number.NaN, loadW ?? Number.NaN);
  }
  return meter.read();
}

export function addEnergy(a: Energy, b: Energy): Energy {
  return {
    imported: a.imported + b.imported,
    exported: a.exported + b.exported,
    charged: a.charged + b.charged,
    discharged: a.discharged + b.discharged,
    produced: a.produced + b.produced,
    consumed: a.consumed + b.consumed,
    selfConsumed: a.selfConsumed + b.selfConsumed,
  };
}

/** What the house takes where it is not told: what comes in and does not go into the battery. NaN where it cannot be known. */
function consumption(gridW: number, batteryW: number, solarW: number): number {
  return Math.max(0, solarW + gridW - (Number.isNaN(batteryW) ? 0 : batteryW));
}

/** The mean of max(0, x) along the straight line from a to b; 0 where one of them is NaN. */
function positiveMean(a: number, b: number): number {
  if (a >= 0 && b >= 0) return (a + b) / 2;
  if (!(a > 0 || b > 0) || Number.isNaN(a) || Number.isNaN(b)) return 0;
  const peak = Math.max(a, b);
  return (peak * peak) / (2 * Math.abs(a - b));
}
