const hourMs = 3_600_000;
const quarterMs = 900_000;

/**
 * The clock on the wall of a time zone. `Intl` is asked once per quarter of an hour of simulated time, the raster on which all
 * zones change: asking it at every step would cost more than all the physics.
 */
export class LocalClock {
  readonly #format: Intl.DateTimeFormat;
  #quarter = Number.NaN;
  #offsetMs = 0;

  private constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  }

  static readonly #byZone = new Map<string, LocalClock>();

  /** The one clock of a zone (a formatter is large, and a fleet has few zones). Throws RangeError for a zone that does not exist. */
  static of(timeZone: string): LocalClock {
    let clock = LocalClock.#byZone.get(timeZone);
    if (clock === undefined) {
      clock = new LocalClock(timeZone);
      LocalClock.#byZone.set(timeZone, clock);
    }
    return clock;
  }

  /** Milliseconds to add to UTC. */
  offsetMs(timeMs: number): number {
    const quarter = Math.floor(timeMs / quarterMs);
    if (quarter !== this.#quarter) {
      this.#quarter = quarter;
      this.#offsetMs = parseOffset(this.#format.format(timeMs));
    }
    return this.#offsetMs;
  }

  /** Hours since local midnight, 0 to 24. */
  hourOfDay(timeMs: number): number {
    const localHours = (timeMs + this.offsetMs(timeMs)) / hourMs;
    return localHours - Math.floor(localHours / 24) * 24;
  }

  /** Saturday or Sunday, as the household's calendar has it. */
  isWeekend(timeMs: number): boolean {
    const day = Math.floor((timeMs + this.offsetMs(timeMs)) / (24 * hourMs));
    // 1970-01-01 was a Thursday.
    const weekday = (((day + 4) % 7) + 7) % 7;
    return weekday === 0 || weekday === 6;
  }
}

/** Reads the end of `1/31/2026, GMT+05:30`; plain `GMT` is zero. */
function parseOffset(text: string): number {
  const match = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(text);
  if (match?.[1] === undefined) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === "-" ? -minutes : minutes) * 60_000;
}
