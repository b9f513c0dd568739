import type { SeqRanges } from "@wattboard/protocol";
import type { JournalContext, JournalPart, SampleJournal } from "../../packages/device/dist/journal.js";
import type { Chance } from "./chance.ts";

/** Numbers that may be given before the next fsync; a crash costs those that were not. */
const reserved = 32;
const syncMs = 1_000;
const sampleBytesAbout = 200;

interface Held {
  readonly text: string;
  readonly timeMs: number;
}

/** What is on a device's disk. */
interface Stored {
  readonly id: string;
  readonly held: Map<number, Held>;
  lastSeq: number;
  durableSeq: number;
  epoch: number | null;
  droppedSeq: number;
}

/** What of it was made sure of. */
type Synced = Pick<Stored, "lastSeq" | "durableSeq" | "epoch">;

/** The disk of a device: what was made sure of survives each crash, what was not may be gone. */
export class DeviceDisk {
  readonly samplesMax: number;
  readonly #chance: Chance;
  #stored: Stored;
  #synced: Synced;

  constructor(chance: Chance, samplesMax: number) {
    this.#chance = chance;
    this.samplesMax = samplesMax;
    this.#stored = this.#begin();
    this.#synced = { ...this.#stored };
  }

  get journalId(): string {
    return this.#stored.id;
  }

  get samples(): number {
    return this.#stored.held.size;
  }

  /** The journal, for a process that has just begun. */
  open({ clock, dropped }: Pick<JournalContext, "clock" | "dropped">): SampleJournal {
    const journal = new DiskJournal(this, this.#stored, this.#chance.branch(), clock, dropped);
    const sync = (): void => {
      journal.sync();
      clock.setTimeout(sync, syncMs);
    };
    sync();
    return journal;
  }

  sync(): void {
    const { lastSeq, durableSeq, epoch } = this.#stored;
    this.#synced = { lastSeq, durableSeq, epoch };
  }

  /** The machine is switched off: what was not made sure of is gone. Gives the numbers of those samples. */
  losePower(): number[] {
    const { held } = this.#stored;
    const lost = [...held.keys()].filter((seq) => seq > this.#synced.lastSeq);
    for (const seq of lost) held.delete(seq);
    // Numbers that may have been given are not given again.
    Object.assign(this.#stored, this.#synced, { lastSeq: this.#synced.lastSeq + reserved });
    this.sync();
    return lost;
  }

  /** Another disk is put in. */
  wipe(): void {
    this.#stored = this.#begin();
    this.#synced = { ...this.#stored };
  }

  #begin(): Stored {
    const id = `journal-${this.#chance.between(0, 2 ** 32 - 1).toString(16)}`;
    return { id, held: new Map(), lastSeq: 0, durableSeq: 0, epoch: null, droppedSeq: 0 };
  }
}

/** A device's journal on that disk: the SDK's port, with the rules of its journal in files. */
class DiskJournal implements SampleJournal {
  readonly isLasting = true;
  readonly #disk: DeviceDisk;
  readonly #stored: Stored;
  readonly #chance: Chance;
  readonly #clock: JournalContext["clock"];
  readonly #dropped: JournalContext["dropped"];
  #reservedSeq = 0;

  constructor(
    disk: DeviceDisk,
    stored: Stored,
    chance: Chance,
    clock: JournalContext["clock"],
    dropped: JournalContext["dropped"],
  ) {
    this.#disk = disk;
    this.#stored = stored;
    this.#chance = chance;
    this.#clock = clock;
    this.#dropped = dropped;
  }

  get id(): string {
    return this.#stored.id;
  }

  get firstSeq(): number {
    const [first = this.lastSeq + 1] = this.#stored.held.keys();
    return first;
  }

  get lastSeq(): number {
    return this.#stored.lastSeq;
  }

  get durableSeq(): number {
    return this.#stored.durableSeq;
  }

  get epoch(): number | null {
    return this.#stored.epoch;
  }

  sync(): void {
    this.#disk.sync();
    this.#reservedSeq = this.lastSeq + reserved;
  }

  append(text: string): number {
    const { held } = this.#stored;
    const seq = ++this.#stored.lastSeq;
    held.set(seq, { text, timeMs: this.#clock.now() });
    if (seq >= this.#reservedSeq) this.sync();
    if (held.size > this.#disk.samplesMax) {
      const [oldest = seq] = held.keys();
      held.delete(oldest);
      this.#stored.droppedSeq = oldest;
      this.#dropped(oldest, oldest);
    }
    return seq;
  }

  skip(throughSeq: number): void {
    this.#stored.lastSeq = Math.max(this.lastSeq, throughSeq);
  }

  acknowledge(durable: SeqRanges, epoch: number): void {
    this.#stored.durableSeq = durable.firstMissing(1) - 1;
    this.#stored.epoch = epoch;
  }

  read(fromSeq: number, toSeq: number, samplesMax: number, bytesMax: number): JournalPart[] | Promise<JournalPart[]> {
    const entries: JournalPart[] = [];
    const most = Math.min(samplesMax, Math.floor(bytesMax / sampleBytesAbout));
    for (let seq = fromSeq; seq <= toSeq && entries.length < most; seq++) {
      const held = this.#stored.held.get(seq);
      if (held !== undefined) {
        entries.push({ seq, text: held.text });
        continue;
      }
      const from = seq;
      while (seq < toSeq && !this.#stored.held.has(seq + 1)) seq++;
      entries.push({ from_seq: from, to_seq: seq, reason: from <= this.#stored.droppedSeq ? "overflow" : "lost" });
    }
    if (this.#chance.happens(0.5)) return entries;
    return new Promise((resolve) => this.#clock.setTimeout(() => resolve(entries), this.#chance.between(1, 50)));
  }

  async flush(): Promise<void> {
    this.sync();
  }

  async close(): Promise<void> {
    this.sync();
  }
}
