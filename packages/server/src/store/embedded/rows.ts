import { windowMs, windowsPerDay } from "../algebra/window.ts";
import { type CheckedBytes, checkedBytes, withChecksum } from "./checksum.ts";
import type { Row, Tables } from "./tables.ts";

/** A part or a block. */
export interface WindowRow extends CheckedBytes {
  readonly id: number;
  readonly deviceNo: number;
  readonly window: number;
  /** Null in a part. */
  readonly samples: number | null;
  readonly through: number;
}

export interface DayRow extends CheckedBytes {
  readonly id: number;
  readonly day: number;
}

/** Rows with bytes, whose checksum is compared whenever one is read. All throw where what they find is not what was written. */
export class Rows {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  block(deviceNo: number, window: number): WindowRow | null {
    const sql = "SELECT id, samples, through, body FROM block WHERE device_no = ? AND window = ?";
    const row = this.#tables.first(sql, deviceNo, window);
    if (row === undefined) return null;
    const [samples, through] = [numberOf(row.samples), numberOf(row.through)];
    const { bytes, isChecked } = checkedBytes(row.body, "block", deviceNo, window, samples, through);
    return { id: row.id as number, deviceNo, window, samples, through, bytes, isChecked };
  }

  part(id: number): WindowRow | null {
    const row = this.#tables.first("SELECT id, device_no, window, through, body FROM part WHERE id = ?", id);
    return row === undefined ? null : partOf(row);
  }

  partMinutes(id: number): Uint8Array | null {
    const row = this.#tables.first("SELECT device_no, window, minutes FROM part WHERE id = ?", id);
    return row === undefined ? null : minutesOf(row).bytes;
  }

  day(deviceNo: number, day: number): DayRow | null {
    const row = this.#tables.first("SELECT id, body FROM day WHERE device_no = ? AND day = ?", deviceNo, day);
    return row === undefined ? null : dayRowOf({ ...row, device_no: deviceNo, day });
  }
}

export function blockOf({ id, device_no: no, window, samples, through, body }: Row): WindowRow {
  const cells = [numberOf(no), numberOf(window), numberOf(samples), numberOf(through)] as const;
  const checked = checkedBytes(body, "block", ...cells);
  return { ...checked, id: numberOf(id), deviceNo: cells[0], window: cells[1], samples: cells[2], through: cells[3] };
}

export function partOf({ id, device_no: no, window, through, body }: Row): WindowRow {
  const cells = [numberOf(no), numberOf(window), numberOf(through)] as const;
  const checked = checkedBytes(body, "part", ...cells);
  return { ...checked, id: numberOf(id), deviceNo: cells[0], window: cells[1], samples: null, through: cells[2] };
}

export function minutesOf({ device_no: no, window, minutes }: Row): CheckedBytes {
  return checkedMinutes(minutes, numberOf(no), numberOf(window));
}

export function checkedMinutes(minutes: unknown, no: number, window: number): CheckedBytes {
  return checkedBytes(minutes, "minutes", no, window);
}

export function dayRowOf({ id, device_no: no, day, body }: Row): DayRow {
  return { ...checkedBytes(body, "day", numberOf(no), numberOf(day)), id: numberOf(id), day: numberOf(day) };
}

/** What is written to the columns of the same name. */
export const stored = {
  block: (body: Uint8Array, no: number, window: number, samples: number, through: number) =>
    withChecksum(body, "block", no, window, samples, through),
  part: (body: Uint8Array, no: number, window: number, through: number) =>
    withChecksum(body, "part", no, window, through),
  minutes: (minutes: Uint8Array, no: number, window: number) => withChecksum(minutes, "minutes", no, window),
  day: (body: Uint8Array, no: number, day: number) => withChecksum(body, "day", no, day),
};

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new RangeError("it has other columns than were written");
  return value;
}

/** A window's place in time, for people. */
export function windowName(window: number): string {
  const at = new Date(window * windowMs);
  return Number.isNaN(at.getTime()) ? `window ${window}` : at.toISOString();
}

export function dayName(day: number): string {
  return windowName(day * windowsPerDay).slice(0, 10);
}
