const hourMs = 3_600_000;

/** How many messages each person has been sent within the last hour. Holds as many times as the limit a person, and forgets them with the hour. */
export class HourLimit {
  readonly #perHour: number;
  /** The wall clock's: they are read back from what is stored. */
  readonly #sentAtMs = new Map<string, number[]>();

  constructor(perHour: number) {
    this.#perHour = perHour;
  }

  /** When one more may be sent, ms: now, or as soon as the oldest is an hour old. */
  freeAtMs(person: string, nowMs: number): number {
    const sent = this.#recent(person, nowMs);
    return sent.length < this.#perHour ? nowMs : (sent[sent.length - this.#perHour] ?? nowMs) + hourMs;
  }

  note(person: string, atMs: number): void {
    const sent = this.#sentAtMs.get(person) ?? [];
    sent.push(atMs);
    this.#sentAtMs.set(person, sent);
  }

  /** A clock that was set back leaves times ahead of now; those count from now. */
  #recent(person: string, nowMs: number): number[] {
    const sent = (this.#sentAtMs.get(person) ?? [])
      .map((atMs) => Math.min(atMs, nowMs))
      .filter((atMs) => atMs > nowMs - hourMs);
    if (sent.length === 0) this.#sentAtMs.delete(person);
    else this.#sentAtMs.set(person, sent);
    return sent;
  }
}
