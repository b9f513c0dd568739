import type { EnergyStream } from "../energy.ts";
import { mergeSamples } from "../merge-samples.ts";
import type { SampleColumns } from "../sample-columns.ts";
import { windowsPerDay } from "../window.ts";
import { decodeBlock } from "./block-codec.ts";
import { type DayColumns, type DayParts, decodeDayColumns } from "./day-codec.ts";
import type { DeviceEntry } from "./device-entry.ts";
import { MinuteSums } from "./minute-means.ts";
import type { Tables } from "./tables.ts";

/** Days' summaries that are held at once, some kilobytes each. */
const daysAtOnce = 16;

/** Reads what is kept, window by window, wherever it stands: in a block, in parts, in memory. */
export class Windows {
  readonly #tables: Tables;
  readonly #devices: ReadonlyMap<string, DeviceEntry>;

  constructor(tables: Tables, devices: ReadonlyMap<string, DeviceEntry>) {
    this.#tables = tables;
    this.#devices = devices;
  }

  /** The windows of a device in a range that have samples, growing. */
  list(deviceId: string, fromWindow: number, toWindow: number): number[] {
    const entry = this.#devices.get(deviceId);
    if (entry === undefined) return [];
    const sql = "SELECT window FROM block WHERE device_no = ? AND window >= ? AND window < ? ORDER BY window";
    const sealed = this.#tables.all(sql, entry.no, fromWindow, toWindow).map(({ window }) => Number(window));
    const fresh = this.fresh(deviceId, fromWindow, toWindow);
    return fresh.length === 0 ? sealed : [...new Set([...sealed, ...fresh])].sort((a, b) => a - b);
  }

  /** The windows of a device in a range of which not all samples stand in a block, growing. */
  fresh(deviceId: string, fromWindow: number, toWindow: number): number[] {
    const entry = this.#devices.get(deviceId);
    if (entry === undefined) return [];
    const found = new Set([...entry.unsealed.keys(), ...entry.open.keys()]);
    return [...found].filter((window) => window >= fromWindow && window < toWindow).sort((a, b) => a - b);
  }

  /** How many samples of a window do not stand in its block. */
  countFresh(deviceId: string, window: number): number {
    const all = this.read(deviceId, window, new Set())?.count ?? 0;
    const sql = "SELECT samples FROM block WHERE device_no = ? AND window = ?";
    return all - Number(this.#tables.first(sql, this.#devices.get(deviceId)?.no ?? null, window)?.samples ?? 0);
  }

  /** All samples of one window, in order; with `wanted`, only those points. Null where there are none. */
  read(deviceId: string, window: number, wanted?: ReadonlySet<string>): SampleColumns | null {
    const entry = this.#devices.get(deviceId);
    if (entry === undefined) return null;
    const pieces: SampleColumns[] = [];
    const sql = "SELECT body FROM block WHERE device_no = ? AND window = ?";
    const block = this.#tables.first(sql, entry.no, window);
    if (block !== undefined) pieces.push(decodeBlock(block.body as Uint8Array, wanted));
    for (const id of entry.unsealed.get(window)?.partIds ?? []) {
      const part = this.#tables.first("SELECT body FROM part WHERE id = ?", id);
      if (part !== undefined) pieces.push(decodeBlock(part.body as Uint8Array, wanted));
    }
    const open = entry.open.get(window);
    if (open !== undefined) pieces.push(open.columns(wanted));
    return pieces.length === 0 ? null : mergeSamples(pieces);
  }

  /** The summaries of a device's sealed windows, a day at a time, growing; of the first and the last day those beyond the range too. */
  *days(deviceId: string, fromWindow: number, toWindow: number, parts: DayParts): Generator<DayColumns> {
    const entry = this.#devices.get(deviceId);
    if (entry === undefined) return;
    const sql = "SELECT day, body FROM day WHERE device_no = ? AND day BETWEEN ? AND ? ORDER BY day LIMIT ?";
    const lastDay = Math.floor((toWindow - 1) / windowsPerDay);
    for (let day = Math.floor(fromWindow / windowsPerDay); day <= lastDay; ) {
      const rows = this.#tables.all(sql, entry.no, day, lastDay, daysAtOnce);
      for (const row of rows) yield decodeDayColumns(Number(row.day), row.body as Uint8Array, parts);
      if (rows.length < daysAtOnce) return;
      day = Number(rows.at(-1)?.day) + 1;
    }
  }

  /** One power's sums in each minute of the windows of a range that have samples; no samples are decoded but those in memory. */
  minutes(deviceId: string, fromWindow: number, toWindow: number, stream: EnergyStream): Map<number, MinuteSums> {
    const found = new Map<number, MinuteSums>();
    const entry = this.#devices.get(deviceId);
    if (entry === undefined) return found;
    const sql = "SELECT window, minutes FROM block WHERE device_no = ? AND window >= ? AND window < ?";
    for (const row of this.#tables.all(sql, entry.no, fromWindow, toWindow)) {
      const sums = new MinuteSums();
      sums.addEncoded(row.minutes as Uint8Array, stream);
      found.set(Number(row.window), sums);
    }
    for (const window of this.fresh(deviceId, fromWindow, toWindow)) {
      const sums = new MinuteSums();
      if (found.has(window)) {
        // What comes so late may be in the block already: somebody offers it again.
        const columns = this.read(deviceId, window, new Set([stream]));
        if (columns !== null) sums.addSamples(columns, window, stream);
      } else {
        for (const id of entry.unsealed.get(window)?.partIds ?? []) {
          const part = this.#tables.first("SELECT minutes FROM part WHERE id = ?", id);
          if (part !== undefined) sums.addEncoded(part.minutes as Uint8Array, stream);
        }
        const open = entry.open.get(window);
        if (open !== undefined) sums.addSamples(open.columns(new Set([stream])), window, stream);
      }
      found.set(window, sums);
    }
    return found;
  }
}
