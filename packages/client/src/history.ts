import type { SamplesBody, Telemetry } from "@wattboard/protocol";
import { type Arrived, type FilledStream, isSame, type Samples } from "./samples.ts";

/** Samples that are read to close a gap; one of more is told, and not closed. */
const samplesMax = 3_600;
/** A short gap is read in one small answer, a longer one in larger ones. */
const firstPage = 100;
const furtherPages = 1_000;
/** Samples of before the gap by which it is found. */
const notedMax = 300;
/** Samples that may wait while the history is read; with one more it is given up, and the gap told. */
const waitingMax = 300;
/** The store is some hundred milliseconds behind; it is asked so often, each time so long after the last answer, ms. */
const triesMax = 20;
const againMs = 500;
const answerMsMax = 10_000;
/** How far back it is looked for samples. */
const yearMs = 366 * 24 * 3_600_000;

/**
 * Closes a stream's gaps from the history: the option `fill` of `connectTelemetry`. It takes that the API can be asked as who listens: by `token`, or by
 * the cookie of who is signed in at the page's own origin. What comes meanwhile waits, so that all stays in order: at most 300 samples, and about ten
 * seconds where the store does not answer. A gap that cannot be closed, such as one of more than 3,600 samples, is told.
 */
export function fillFromHistory(stream: FilledStream): Samples {
  return new FilledSamples(stream);
}

class FilledSamples implements Samples {
  readonly #stream: FilledStream;
  /** The last samples that were handed over, the newest last. */
  readonly #noted: string[] = [];
  /** The first is the one before which the history is being read. */
  readonly #waiting: Arrived[] = [];
  #last: Telemetry | undefined;
  /** While the history is read. */
  #reading: AbortController | undefined;
  #isClosed = false;

  constructor(stream: FilledStream) {
    this.#stream = stream;
  }

  take(sample: Arrived): void {
    this.#waiting.push(sample);
    if (this.#reading === undefined) this.#handOver();
    else if (this.#waiting.length > waitingMax) this.#reading.abort();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#reading?.abort();
  }

  #handOver(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.isAfterGap && this.#last !== undefined) {
        void this.#fill(this.#last, next.telemetry);
        return;
      }
      this.#waiting.shift();
      this.#tell(next);
    }
  }

  async #fill(after: Telemetry, before: Telemetry): Promise<void> {
    this.#reading = new AbortController();
    const missed = isSame(after, before) ? [] : await this.#missedBefore(before, this.#reading.signal);
    this.#reading = undefined;
    const next = this.#waiting.shift();
    for (const telemetry of missed ?? []) this.#tell({ telemetry, text: JSON.stringify(telemetry), origin: "history" });
    if (!this.#isClosed) this.#stream.onGap?.({ after, before, filled: missed !== null });
    if (next !== undefined && !isSame(after, before)) this.#tell(next);
    this.#handOver();
  }

  #tell({ telemetry, text, origin }: Omit<Arrived, "isAfterGap">): void {
    // A callback may have closed the stream.
    if (this.#isClosed) return;
    this.#last = telemetry;
    // Without a time of its own, a message cannot be told from another one that says the same.
    if (telemetry.timestamp !== undefined) this.#noted.push(JSON.stringify(telemetry));
    if (this.#noted.length > notedMax) this.#noted.shift();
    this.#stream.onTelemetry?.(telemetry, text, origin);
  }

  /** What is stored between the samples that were handed over and this one, oldest first; null where that is not certain. */
  async #missedBefore(before: Telemetry, signal: AbortSignal): Promise<readonly Telemetry[] | null> {
    if (this.#noted.length === 0 || before.timestamp === undefined) return null;
    const known = new Set(this.#noted);
    for (let tries = 0; tries < triesMax && !signal.aborted; tries++) {
      const found = await this.#readBack(known, signal).catch(() => []);
      if (found === null) return null;
      const keys = found.map((each) => JSON.stringify(each));
      const endsAt = keys.lastIndexOf(JSON.stringify(before));
      const beginsAt = keys.findIndex((key) => known.has(key));
      // The store has what came first before what came later: once the newest is there, so is all before it.
      if (endsAt !== -1) return found.filter((_, at) => at > beginsAt && at < endsAt && !known.has(keys[at] ?? ""));
      await new Promise<void>((resolve) => void this.#stream.clock.setTimeout(resolve, againMs));
    }
    return null;
  }

  /** The newest samples, oldest first, back to one that is known; null where that is not among so many. Throws where asking again may help. */
  async #readBack(known: ReadonlySet<string>, signal: AbortSignal): Promise<readonly Telemetry[] | null> {
    const { samplesUrl, token, clock } = this.#stream;
    const from = new Date(clock.now() - yearMs).toISOString();
    const found: Telemetry[] = [];
    for (let cursor = ""; found.length < samplesMax; ) {
      const limit = found.length === 0 ? firstPage : furtherPages;
      const answer = await fetch(`${samplesUrl}?from=${from}&limit=${limit}${cursor}`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]),
      });
      if (answer.status >= 500 || answer.status === 429) throw new Error(`There is no history now: ${answer.status}.`);
      if (!answer.ok) return null;
      const { samples, next_cursor: next } = (await answer.json()) as SamplesBody;
      const page = samples.map(({ telemetry }) => telemetry);
      found.unshift(...page);
      if (page.some((each) => known.has(JSON.stringify(each)))) return found;
      if (next === null) return null;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
    return null;
  }
}
