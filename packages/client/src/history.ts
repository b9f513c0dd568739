import type { SampleBody, SamplesBody } from "@wattboard/protocol";
import { paths } from "@wattboard/protocol/constants";
import { type Arrived, type FilledStream, Noted, type Samples } from "./samples.ts";

/** Samples that are read to close a gap; one of more is told, and not closed. */
const samplesMax = 3_600;
/** A short gap is read in one small answer, a longer one in larger ones. */
const firstPage = 100;
const furtherPages = 1_000;
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
  readonly #noted = new Noted();
  /** The first is the one before which the history is being read. */
  readonly #waiting: Arrived[] = [];
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
      if (next.info.origin === "latest" && this.#noted.last !== undefined) {
        void this.#fill(this.#noted.last, next);
        return;
      }
      this.#waiting.shift();
      this.#tell(next);
    }
  }

  async #fill(last: Arrived, next: Arrived): Promise<void> {
    this.#reading = new AbortController();
    const isOld = this.#noted.isOld(next);
    const missed = this.#noted.has(next) ? [] : isOld ? null : await this.#missedBefore(next, this.#reading.signal);
    this.#reading = undefined;
    this.#waiting.shift();
    for (const { telemetry, received_at } of missed ?? []) {
      const info = { origin: "history" as const, receivedAtMs: Date.parse(received_at) };
      this.#tell({ telemetry, text: JSON.stringify(telemetry), info });
    }
    const gap = { after: last.telemetry, before: next.telemetry, filled: missed !== null };
    if (!this.#isClosed) this.#stream.onGap?.(gap);
    // What was told as missing does not come later.
    if (missed === null) this.#noted.receivedAtMs.length = 0;
    if (!isOld) this.#tell(next);
    this.#handOver();
  }

  #tell(sample: Arrived): void {
    // A callback may have closed the stream.
    if (this.#isClosed) return;
    const { telemetry, text, info } = sample;
    this.#noted.add(sample);
    this.#stream.onTelemetry?.(telemetry, text, info);
  }

  /** What is stored between the samples that were handed over and this one, oldest first; null where that is not certain. */
  async #missedBefore({ info }: Arrived, signal: AbortSignal): Promise<readonly SampleBody[] | null> {
    const endMs = info.receivedAtMs;
    if (this.#noted.last === undefined || endMs === null) return null;
    for (let tries = 0; tries < triesMax && !signal.aborted; tries++) {
      const found = await this.#readBack(signal).catch(() => []);
      if (found === null) return null;
      // The store has what came first before what came later: once the newest is there, so is all before it.
      const endsAt = found.findLastIndex(({ received_at }) => Date.parse(received_at) === endMs);
      if (endsAt !== -1) return this.#withoutNoted(found.slice(0, endsAt), endMs);
      await new Promise<void>((resolve) => void this.#stream.clock.setTimeout(resolve, againMs));
    }
    return null;
  }

  /** Those behind the first that was handed over, but for all that were. What was received later than the newest comes by the stream, or is told as stored late. */
  #withoutNoted(found: readonly SampleBody[], endMs: number): readonly SampleBody[] {
    const noted = [...this.#noted.receivedAtMs];
    let hasBegun = false;
    return found.filter(({ received_at }) => {
      const receivedAtMs = Date.parse(received_at);
      const at = noted.indexOf(receivedAtMs);
      hasBegun ||= at !== -1;
      // Each counts once: several may be received in one millisecond.
      if (at !== -1) noted.splice(at, 1);
      return hasBegun && at === -1 && receivedAtMs <= endMs;
    });
  }

  /** The newest samples, oldest first, back to one that is known; null where that is not among so many. Throws where asking again may help. */
  async #readBack(signal: AbortSignal): Promise<readonly SampleBody[] | null> {
    const known = new Set(this.#noted.receivedAtMs);
    const { address, token, clock } = this.#stream;
    const samplesUrl = `${address.replace(/^ws/, "http").replace(paths.dashboard, `${paths.api}/devices/`)}/samples`;
    const from = new Date(clock.now() - yearMs).toISOString();
    const found: SampleBody[] = [];
    for (let cursor = ""; found.length < samplesMax; ) {
      const limit = found.length === 0 ? firstPage : furtherPages;
      const answer = await fetch(`${samplesUrl}?from=${from}&limit=${limit}${cursor}`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]),
      });
      if (answer.status >= 500 || answer.status === 429) throw new Error(`There is no history now: ${answer.status}.`);
      if (!answer.ok) return null;
      const { samples, next_cursor: next } = (await answer.json()) as SamplesBody;
      found.unshift(...samples);
      if (samples.some(({ received_at }) => known.has(Date.parse(received_at)))) return found;
      if (next === null) return null;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
    return null;
  }
}
