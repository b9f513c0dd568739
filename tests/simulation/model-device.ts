import type { AckFrame, Welcome } from "@wattboard/protocol";
import type { JournalSample, SampleJournal } from "../../packages/device/dist/journal.js";
import type { Connection } from "../../packages/device/dist/transport.js";
import type { DevicePorts, DeviceProgram } from "./device-program.ts";

const silenceMsMax = 60_000;
const ackMsMax = 30_000;
const turnMs = 250;
const handshakeMsMax = 20_000;
const impatientMsMax = 200;

/** What was sent on the present link, in this order. */
interface Sent {
  readonly seq: number;
  readonly atMs: number;
  readonly isBackfill: boolean;
}

/** How a device of ADR 70 differs from what it should do; for tests of the tests. */
export interface ModelMutation {
  readonly hidesGaps?: boolean;
  readonly neverResends?: boolean;
}

/** The reference beside the SDK: a device that does what ADR 70 says, in the plainest way. Sets of numbers, and one turn every quarter of a second. */
export class ModelDevice implements DeviceProgram {
  readonly #ports: DevicePorts;
  readonly #journal: SampleJournal;
  readonly #mutation: ModelMutation;
  readonly #durable = new Set<number>();
  #sent: Sent[] = [];
  #connection: Connection | null = null;
  #isWelcome = false;
  #heardAtMs = 0;
  #pace = 0;
  #failures = 0;
  #isReading = false;

  constructor(ports: DevicePorts, journal: SampleJournal, mutation: ModelMutation = {}) {
    this.#ports = ports;
    this.#journal = journal;
    this.#mutation = mutation;
    this.#connect();
    const turn = (): void => {
      ports.clock.setTimeout(turn, turnMs);
      void this.#turn();
    };
    turn();
  }

  send(text: string): void {
    const seq = this.#journal.append(text);
    if (!this.#connection?.isOpen) return;
    this.#connection.send(`{"seq":${seq},${text.slice(1)}`);
    this.#note(seq, false);
  }

  #connect(): void {
    const { clock, random, transport, isPatient } = this.#ports;
    const timer = clock.setTimeout(() => connection.cut(), handshakeMsMax);
    const connection: Connection = transport({
      opened: () => {
        clock.clearTimeout(timer);
        this.#failures = 0;
        this.#connection = connection;
        this.#heardAtMs = clock.monotonicMs();
        const { id, firstSeq, lastSeq } = this.#journal;
        const journal = { id, first_seq: firstSeq, last_seq: lastSeq };
        connection.send(JSON.stringify({ type: "hello", commands: {}, journal }));
      },
      received: (text) => this.#receive(JSON.parse(text ?? "null")),
      pinged: () => {
        this.#heardAtMs = clock.monotonicMs();
      },
      refused: () => connection.cut(),
      failed: () => {},
      closed: () => {
        clock.clearTimeout(timer);
        this.#connection = null;
        this.#isWelcome = false;
        this.#sent = [];
        const patientMs = 1_000 + random() * Math.min(30_000, 2_000 * 2 ** this.#failures++);
        clock.setTimeout(() => this.#connect(), isPatient ? patientMs : random() * impatientMsMax);
      },
    });
  }

  #receive(frame: { readonly type?: string }): void {
    this.#heardAtMs = this.#ports.clock.monotonicMs();
    if (frame.type === "welcome") this.#welcome(frame as Welcome);
    else if (frame.type === "ack") this.#ack(frame as AckFrame);
    else if (frame.type === "pace") this.#pace = (frame as { backfill: number } & object).backfill;
  }

  #welcome({ journal_id, epoch, durable_seq = 0, durable_ranges = [], pace }: Welcome): void {
    if (journal_id !== this.#journal.id) return;
    this.#isWelcome = true;
    this.#pace = pace?.backfill ?? 0;
    // A server that was restored from an older backup takes back what it said.
    this.#durable.clear();
    this.#settle([[1, durable_seq], ...durable_ranges], epoch);
  }

  #ack({ seq, ranges = [] }: AckFrame): void {
    if (this.#isWelcome) this.#settle([[1, seq], ...ranges], this.#journal.epoch ?? 0);
  }

  #settle(ranges: readonly (readonly [number, number])[], epoch: number): void {
    for (const [from, to] of ranges) for (let seq = from; seq <= to; seq++) this.#durable.add(seq);
    let through = 0;
    while (this.#durable.has(through + 1)) through++;
    this.#journal.acknowledge({ firstMissing: () => through + 1 } as never, epoch);
    // What was sent before something that is durable, and is not durable itself, did not arrive.
    const proof = this.#sent.findLastIndex(({ seq }) => this.#durable.has(seq));
    if (!this.#mutation.neverResends) this.#sent = this.#sent.slice(proof + 1);
    else this.#sent = this.#sent.filter(({ seq }) => !this.#durable.has(seq));
  }

  #note(seq: number, isBackfill: boolean): void {
    this.#sent.push({ seq, isBackfill, atMs: this.#ports.clock.monotonicMs() });
  }

  async #turn(): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    const connection = this.#connection;
    if (connection?.isOpen && nowMs - this.#heardAtMs > silenceMsMax) connection.cut();
    if (!this.#mutation.neverResends) this.#sent = this.#sent.filter(({ atMs }) => nowMs - atMs < ackMsMax);
    if (!connection?.isOpen || !this.#isWelcome || this.#isReading) return;
    const onItsWay = this.#sent.filter(({ isBackfill }) => isBackfill).length;
    const count = Math.min(Math.ceil((this.#pace * turnMs) / 1_000), 2 * this.#pace - onItsWay, 60);
    const missing = this.#missing(count);
    if (missing === null) return;
    this.#isReading = true;
    const entries = await this.#journal.read(missing.from, missing.to, count, 16_000);
    this.#isReading = false;
    if (connection !== this.#connection || !connection.isOpen || !this.#isWelcome) return;
    const samples = entries.filter((entry): entry is JournalSample => "text" in entry);
    if (samples.length > 0) {
      const texts = samples.map(({ seq, text }) => `{"seq":${seq},${text.slice(1)}`);
      connection.send(`{"type":"backfill","samples":[${texts.join(",")}]}`);
    }
    for (const { seq } of samples) this.#note(seq, true);
    for (const entry of entries) {
      if ("text" in entry) continue;
      if (!this.#mutation.hidesGaps) connection.send(JSON.stringify({ type: "gap", ...entry }));
      for (let seq = entry.from_seq; seq <= entry.to_seq; seq++) {
        if (this.#mutation.hidesGaps) this.#durable.add(seq);
        else this.#note(seq, true);
      }
    }
  }

  /** The first numbers that are neither durable nor on their way. */
  #missing(count: number): { readonly from: number; readonly to: number } | null {
    if (count < 1) return null;
    const known = new Set(this.#sent.map(({ seq }) => seq));
    const isMissing = (seq: number): boolean => !this.#durable.has(seq) && !known.has(seq);
    const { lastSeq } = this.#journal;
    let from = this.#journal.durableSeq + 1;
    while (from <= lastSeq && !isMissing(from)) from++;
    if (from > lastSeq) return null;
    let to = from;
    while (to < lastSeq && to - from + 1 < count && isMissing(to + 1)) to++;
    return { from, to };
  }
}
