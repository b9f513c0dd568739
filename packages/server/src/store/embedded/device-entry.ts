import { kindOf, pointKinds } from "../algebra/point-value.ts";
import type { SampleColumns } from "../algebra/sample-columns.ts";
import { readRecords } from "../sample-record.ts";
import type { PointInfo } from "../store.ts";
import type { MessageShape } from "./codec/message-shape.ts";
import type { DeviceRow, DeviceTable, PartList } from "./device-table.ts";
import type { Head } from "./open-samples.ts";

const goldenRatio = 0.618_033_988_75;
/** Names of points that are listed of one device; what more it sends is stored, and not listed. */
const pointsMax = 1_000;
/** How much longer a record may get until its copy is put elsewhere, bytes. */
const newestRoom = 32;
const numberBit = 1 << pointKinds.indexOf("number");

/** A window with samples that are not in its block: the parts that it has so far. */
export interface Unsealed {
  readonly partIds: number[];
  /** When the last part was written. */
  touchedAtMs: number;
  /** True where it cannot be sealed, since the file's own structure is damaged there: its parts stay. */
  isStuck: boolean;
}

/** What the store's thread holds in memory of one device. */
export class DeviceEntry {
  readonly key: string;
  readonly keyBytes: Uint8Array;
  /** The device whose record came behind its last one: devices mostly send in the same order again. */
  follower: DeviceEntry | null = null;
  /** Its number in the tables; null until something of it is written there. */
  no: number | null = null;
  /** 0 to 1, evenly spread over the devices: what is due for all of them at once is done for each at its own moment. */
  readonly phase: number;
  /** When the newest sample by measured time was measured. */
  newestAtMs = Number.NEGATIVE_INFINITY;
  /** Within a batch that is being sorted in: where its newest record stands there. */
  newestStart = 0;
  newestEnd = 0;
  /** The shape of its last message, and how many more may be made for it: a device whose messages rarely look alike is parsed. */
  shape: MessageShape | null = null;
  shapesLeft = 8;
  /** By window. */
  readonly open = new Map<number, Head>();
  readonly unsealed = new Map<number, Unsealed>();
  /** The kinds of each point that it has sent, a bit each, in the order in which they came. */
  readonly #points = new Map<string, number>();
  #newest = Buffer.alloc(0);
  #newestBytes = 0;
  #writtenPoints = "";
  /** Within a transaction: parts that were written, and windows that were sealed, which `unsealed` does not know yet. */
  readonly #newParts: (readonly [window: number, id: number])[] = [];
  readonly #sealedNow = new Set<number>();
  #noBefore: number | null = null;
  #pointsBefore = "";
  /** The device was removed: once nothing of it waits in memory, it goes from there. */
  isForgotten = false;

  constructor(key: string, place: number) {
    this.key = key;
    this.keyBytes = Buffer.from(key, "latin1");
    this.phase = (place * goldenRatio) % 1;
  }

  get points(): PointInfo[] {
    return [...this.#points].map(([name, bits]) => ({ name, kinds: pointKinds.filter((_, bit) => (bits >> bit) & 1) }));
  }

  /** The record of the newest sample; null before the first. A view that changes with the next. */
  get newest(): Buffer | null {
    return this.#newestBytes === 0 ? null : this.#newest.subarray(0, this.#newestBytes);
  }

  /** Takes a copy of the newest record; it overwrites the last one, since there is one for each device in nearly every batch. */
  keepNewest(batch: Buffer, start: number, end: number): void {
    this.#newestBytes = end - start;
    if (this.#newest.length < this.#newestBytes) this.#newest = Buffer.alloc(this.#newestBytes + newestRoom);
    batch.copy(this.#newest, 0, start, end);
  }

  /** Notes the points of samples. */
  notePoints({ points }: SampleColumns): void {
    for (const [name, values] of points) {
      let bits = this.#points.get(name);
      if (bits === undefined && this.#points.size >= pointsMax) continue;
      bits ??= 0;
      if (values instanceof Float64Array) bits |= numberBit;
      else
        for (let at = 0; at < values.length; at++) {
          const value = values[at];
          const kind = value === undefined ? null : kindOf(value);
          if (kind !== null) bits |= 1 << pointKinds.indexOf(kind);
        }
      this.#points.set(name, bits);
    }
  }

  /** Before a transaction that may write something of it. */
  begin(): void {
    this.#noBefore = this.no;
    this.#pointsBefore = this.#writtenPoints;
    this.#newParts.length = 0;
    this.#sealedNow.clear();
  }

  /** Its number, given to it where it has none yet. */
  numberIn(devices: DeviceTable): number {
    this.no ??= devices.nextNo();
    return this.no;
  }

  notePart(window: number, id: number): void {
    this.#newParts.push([window, id]);
  }

  noteSealed(window: number): void {
    this.#sealedNow.add(window);
  }

  noteNotSealed(window: number): void {
    this.#sealedNow.delete(window);
  }

  /** Writes its row; the second one only where that changes, or is due for another reason. */
  save(devices: DeviceTable, isCopyWanted = false): void {
    const points = JSON.stringify(Object.fromEntries(this.#points));
    const isCopyDue = isCopyWanted || points !== this.#writtenPoints;
    this.#writtenPoints = points;
    const row = {
      no: this.numberIn(devices),
      key: this.key,
      latest: this.newest,
      points,
      parts: this.#parts(),
    };
    devices.save(row, isCopyDue);
  }

  /** The transaction was undone. */
  undo(): void {
    this.no = this.#noBefore;
    this.#writtenPoints = this.#pointsBefore;
  }

  /** Takes over what the table says of it. */
  restore({ no, points, latest }: DeviceRow): void {
    this.no = no;
    this.#writtenPoints = points;
    for (const [name, bits] of Object.entries(JSON.parse(points) as Record<string, number>))
      this.#points.set(name, bits);
    if (latest === null) return;
    const record = Buffer.from(latest);
    for (const sample of readRecords(record)) this.newestAtMs = sample.observedAtMs;
    this.keepNewest(record, 0, record.length);
  }

  #parts(): PartList[] {
    const found = new Map<number, number[]>();
    for (const [window, { partIds }] of this.unsealed)
      if (!this.#sealedNow.has(window)) found.set(window, [...partIds]);
    for (const [window, id] of this.#newParts) found.set(window, [...(found.get(window) ?? []), id]);
    return [...found].map(([window, ids]) => [window, ...ids]);
  }
}
