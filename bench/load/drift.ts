import { benchDeviceId } from "./message.ts";

interface Figures {
  readonly id: string;
  voltage: number;
  power: number;
  soc: number;
  temperature: number;
  gridVoltage: number;
  gridPower: number;
  solarPower: number;
  loadPower: number;
}

/** How far a power is drawn back to what is usual, a second: so it stays in its range for weeks. */
const pull = 1 / 3_600;
/** Power that changes the state of charge by one percent in a second. */
const wattsPerPercent = 100_000;

/**
 * Devices whose figures drift from second to second, in the digits that such devices send, and by as much as those of the simulator's plants do
 * on a summer's morning (median and 90th percentile); the plants themselves would take too long. The same seed gives the same fleet.
 */
export class DriftingFleet {
  readonly #devices: Figures[];
  #random: number;

  constructor(devices: number, seed = 1) {
    this.#random = seed;
    this.#devices = Array.from({ length: devices }, (_, index) => ({
      id: benchDeviceId(index),
      voltage: 53,
      power: 500,
      soc: 50 + (index % 40),
      temperature: 25,
      gridVoltage: 230,
      gridPower: -200,
      solarPower: 1_000,
      loadPower: 400,
    }));
  }

  /** A device's next message, with that time: 12 points, about 290 bytes. */
  message(index: number, atMs: number): string {
    const now = this.#devices[index] as Figures;
    now.voltage += this.#step(0.01);
    now.power += this.#jump(12) - (now.power - 500) * pull;
    now.soc = Math.min(100, Math.max(0, now.soc + now.power / wattsPerPercent));
    now.temperature += this.#step(0.01);
    now.gridVoltage += this.#step(0.8);
    now.gridPower += this.#jump(8) - (now.gridPower + 200) * pull;
    now.solarPower = Math.max(0, now.solarPower + this.#jump(8));
    now.loadPower = Math.max(0, now.loadPower + this.#jump(10));
    const state = now.power < 0 ? "DISCHARGING" : "CHARGING";
    // Put together by hand: generating must cost less than what is measured.
    return (
      `{"device_id":"${now.id}","timestamp":"${new Date(atMs).toISOString()}",` +
      `"system_status":{"state":"${state}","mode":"AUTO","error_flags":[]},` +
      `"battery":{"voltage":${now.voltage.toFixed(2)},"current":${(now.power / now.voltage).toFixed(2)},` +
      `"power":${now.power.toFixed(1)},"soc":${now.soc.toFixed(2)},"temperature":${now.temperature.toFixed(1)}},` +
      `"grid":{"voltage":${now.gridVoltage.toFixed(1)},"power":${now.gridPower.toFixed(1)}},` +
      `"solar":{"power":${now.solarPower.toFixed(1)}},"load":{"power":${now.loadPower.toFixed(1)}}}`
    );
  }

  /** A whole number from 0 to `below` less one. */
  pick(below: number): number {
    return Math.floor(this.#next() * below);
  }

  #step(width: number): number {
    return (this.#next() - 0.5) * width;
  }

  /** Small most of the time: the median is an eighth of the most. */
  #jump(most: number): number {
    return most * (2 * this.#next() - 1) ** 3;
  }

  /** 0 to 1; Mulberry32, which is fast and good enough. */
  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), this.#random | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
