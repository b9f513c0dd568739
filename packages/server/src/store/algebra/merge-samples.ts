import { takeNumbers } from "./number-pool.ts";
import type { PointValue } from "./point-value.ts";
import type { SampleColumns } from "./sample-columns.ts";

/**
 * Puts several pieces of one device's history together, in the order of the port (measured time, epoch, seq), each sample once: the same
 * sample, told by (epoch, seq), may stand in two pieces when something was sent or written twice.
 */
export function mergeSamples(pieces: readonly SampleColumns[]): SampleColumns {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1 && (only.isMerged === true || isOrdered(only))) return only;
  if (pieces.every(isOrdered) && followOneAnother(pieces)) return join(pieces);
  const places: { readonly piece: SampleColumns; readonly at: number }[] = [];
  const seen = new Map<number, Set<number>>();
  for (const piece of pieces) {
    for (let at = 0; at < piece.count; at++) {
      const epoch = piece.epoch[at] as number;
      let seqs = seen.get(epoch);
      if (seqs === undefined) {
        seqs = new Set();
        seen.set(epoch, seqs);
      }
      const seq = piece.seq[at] as number;
      if (seqs.has(seq)) continue;
      seqs.add(seq);
      places.push({ piece, at });
    }
  }
  places.sort((a, b) => compareSamples(a.piece, a.at, b.piece, b.at));

  const names = new Set(pieces.flatMap((piece) => [...piece.points.keys()]));
  const column = (of: (piece: SampleColumns) => ArrayLike<number>): number[] =>
    places.map(({ piece, at }) => of(piece)[at] as number);
  return {
    count: places.length,
    observedAtMs: column((piece) => piece.observedAtMs),
    receivedAtMs: column((piece) => piece.receivedAtMs),
    deviceTimeMs: column((piece) => piece.deviceTimeMs),
    epoch: column((piece) => piece.epoch),
    seq: column((piece) => piece.seq),
    serverClock: column((piece) => piece.serverClock),
    points: new Map(
      [...names].map((name): [string, (PointValue | undefined)[]] => [
        name,
        places.map(({ piece, at }) => piece.points.get(name)?.[at]),
      ]),
    ),
  };
}

/** Puts pieces behind one another. */
function join(pieces: readonly SampleColumns[]): SampleColumns {
  const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
  const column = (of: (piece: SampleColumns) => ArrayLike<number>): Float64Array => {
    const joined = takeNumbers(count);
    let at = 0;
    for (const piece of pieces) {
      joined.set(of(piece), at);
      at += piece.count;
    }
    return joined;
  };
  const points = new Map<string, ArrayLike<PointValue | undefined>>();
  for (const name of new Set(pieces.flatMap((piece) => [...piece.points.keys()]))) {
    points.set(name, joinPoint(pieces, name, count));
  }
  return {
    count,
    observedAtMs: column((piece) => piece.observedAtMs),
    receivedAtMs: column((piece) => piece.receivedAtMs),
    deviceTimeMs: column((piece) => piece.deviceTimeMs),
    epoch: column((piece) => piece.epoch),
    seq: column((piece) => piece.seq),
    serverClock: column((piece) => piece.serverClock),
    points,
  };
}

function joinPoint(pieces: readonly SampleColumns[], name: string, count: number): ArrayLike<PointValue | undefined> {
  if (pieces.every((piece) => piece.points.get(name) instanceof Float64Array)) {
    const joined = takeNumbers(count);
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece.points.get(name) as Float64Array, at);
      at += piece.count;
    }
    return joined;
  }
  const joined = new Array<PointValue | undefined>(count).fill(undefined);
  let to = 0;
  for (const piece of pieces) {
    const values = piece.points.get(name);
    if (values !== undefined) for (let at = 0; at < piece.count; at++) joined[to + at] = values[at];
    to += piece.count;
  }
  return joined;
}

/** Whether each piece begins behind the end of the one before, by time and by epoch and seq. */
function followOneAnother(pieces: readonly SampleColumns[]): boolean {
  for (const [index, piece] of pieces.entries()) {
    const before = pieces[index - 1];
    if (before !== undefined && !isLater(before, before.count - 1, piece, 0)) return false;
  }
  return true;
}

/** Whether epoch and seq, and time with them, only grow: then the samples are in order, and none stands there twice. */
function isOrdered(piece: SampleColumns): boolean {
  for (let at = 1; at < piece.count; at++) if (!isLater(piece, at - 1, piece, at)) return false;
  return piece.count > 0;
}

function isLater(a: SampleColumns, aAt: number, b: SampleColumns, bAt: number): boolean {
  if ((b.observedAtMs[bAt] as number) < (a.observedAtMs[aAt] as number)) return false;
  const epochs = (b.epoch[bAt] as number) - (a.epoch[aAt] as number);
  return epochs > 0 || (epochs === 0 && (b.seq[bAt] as number) > (a.seq[aAt] as number));
}

function compareSamples(a: SampleColumns, aAt: number, b: SampleColumns, bAt: number): number {
  return (
    (a.observedAtMs[aAt] as number) - (b.observedAtMs[bAt] as number) ||
    (a.epoch[aAt] as number) - (b.epoch[bAt] as number) ||
    (a.seq[aAt] as number) - (b.seq[bAt] as number)
  );
}
