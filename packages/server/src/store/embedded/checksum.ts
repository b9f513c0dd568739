import { crc32 } from "node:zlib";

/**
 * What a disk has changed must not be taken for what was written: SQLite has no checksum of its own, and a changed byte mostly makes other numbers,
 * not an error. CRC-32 tells every change of up to 32 bits that follow one another, and all else but one in 4 thousand million.
 */
export type Cell = string | number | null | Uint8Array;

/** Of what a row is, and of all of its cells that an answer rests on. */
export function checksumOf(kind: string, ...cells: readonly Cell[]): number {
  // The length of bytes stands before them, so that no two lists of cells give the same.
  let sum = crc32(JSON.stringify([kind, ...cells.map((cell) => (cell instanceof Uint8Array ? [cell.length] : cell))]));
  for (const cell of cells) if (cell instanceof Uint8Array) sum = crc32(cell, sum);
  return sum;
}

/** Of bytes and the cells beside them; these are put together in the least time, since a chart reads thousands. */
function sumOf(bytes: Uint8Array, kind: string, cells: readonly number[]): number {
  let text = kind;
  for (let at = 0; at < cells.length; at++) text += ` ${cells[at]}`;
  return crc32(bytes, crc32(text));
}

/** Begins what has its checksum before it; no version of what was written without one begins so. */
const marker = 0xc5;
/** The marker, a zero, the checksum. Behind a first byte that was changed, the zero makes it nothing that could be read as written without one. */
const headBytes = 6;

/** Bytes with their checksum before them, which covers the row's other cells as well. */
export function withChecksum(bytes: Uint8Array, kind: string, ...cells: readonly number[]): Buffer {
  const stored = Buffer.allocUnsafe(headBytes + bytes.length);
  stored[0] = marker;
  stored[1] = 0;
  stored.writeUInt32LE(sumOf(bytes, kind, cells), 2);
  stored.set(bytes, headBytes);
  return stored;
}

export interface CheckedBytes {
  readonly bytes: Uint8Array;
  /** False where it was written before there were checksums. */
  readonly isChecked: boolean;
}

/** The bytes that `withChecksum` was given. Throws a RangeError where they, or the other cells, are not what was written. */
export function checkedBytes(stored: unknown, kind: string, ...cells: readonly number[]): CheckedBytes {
  if (!(stored instanceof Uint8Array)) throw new RangeError("it has other columns than were written");
  if (stored[0] !== marker) {
    if (stored[1] === 0) throw new RangeError("its first byte is not what was written");
    return { bytes: stored, isChecked: false };
  }
  const bytes = stored.subarray(headBytes);
  const [, zero, b0 = 0, b1 = 0, b2 = 0, b3 = 0] = stored;
  if (zero !== 0 || (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0 !== sumOf(bytes, kind, cells)) {
    throw new RangeError("its checksum does not fit");
  }
  return { bytes, isChecked: true };
}

/** Whether the cells are what was written; also where they were written before there were checksums: null. */
export function isIntact(sum: unknown, kind: string, ...cells: readonly Cell[]): boolean {
  return sum === null || sum === checksumOf(kind, ...cells);
}
