import type { AckFrame } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { visitInSlices } from "../base/time-slices.ts";
import type { DeviceJournal } from "../devices/device-journal.ts";

/** Four acks a second for a device at the most. */
const everyMs = 250;

/** Who is told of a journal: its device, and those who watch it. */
export interface AckListener {
  acked(journal: DeviceJournal, ack: AckFrame): void;
}

/** Tells devices what of their journals is stored, gathered over a quarter of a second. Bounded by the number of journals that are open. */
export class Acks {
  readonly #clock: Clock;
  readonly #listener: AckListener;
  readonly #stop: CancelTimer;
  #due = new Set<DeviceJournal>();
  #isSending = false;
  ackCount = 0;

  constructor(clock: Clock, listener: AckListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#stop = clock.every(everyMs, () => void this.#send());
  }

  note(journal: DeviceJournal): void {
    this.#due.add(journal);
  }

  stop(): void {
    this.#stop();
  }

  /** In slices: a commit may concern all devices of a fleet. */
  async #send(): Promise<void> {
    if (this.#isSending || this.#due.size === 0) return;
    this.#isSending = true;
    const due = this.#due;
    this.#due = new Set();
    const tell = (journal: DeviceJournal): boolean => {
      this.ackCount++;
      this.#listener.acked(journal, ackOf(journal));
      return true;
    };
    try {
      await visitInSlices(due, tell, this.#clock);
    } finally {
      this.#isSending = false;
    }
  }
}

function ackOf({ durable }: DeviceJournal): AckFrame {
  const ranges = durable.behind;
  return {
    type: "ack",
    seq: durable.through,
    ...(ranges.length > 0 && { ranges: ranges.map(([from, to]) => [from, to]) }),
  };
}
