import { Temporal } from "temporal-polyfill";

/** From one setting of the clocks to the next. */
interface Period {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offsetMs: number;
}

const dayMs = 86_400_000;

/** The instants of a time zone's wall clock. The calendar is asked once for each setting of the clocks, some hundred since 1970. */
export class LocalTime {
  readonly #zone: string;
  readonly #periods: Period[] = [];
  #last: Period | null = null;

  /** An IANA name, or an offset such as `+01:00`. */
  constructor(zone: string) {
    this.#zone = zone;
  }

  /** The instants at which the clock on the wall shows this time, ms as if it were UTC: none where clocks are set forward, two where back. */
  instantsOf(wallMs: number): number[] {
    const instants: number[] = [];
    for (let period = this.#periodAt(wallMs - dayMs); ; period = this.#periodAt(period.toMs)) {
      const ms = wallMs - period.offsetMs;
      if (ms >= period.fromMs && ms < period.toMs) instants.push(ms);
      if (period.toMs > wallMs + dayMs) return instants;
    }
  }

  #periodAt(ms: number): Period {
    const isIn = ({ fromMs, toMs }: Period): boolean => ms >= fromMs && ms < toMs;
    if (this.#last === null || !isIn(this.#last)) this.#last = this.#periods.find(isIn) ?? this.#find(ms);
    return this.#last;
  }

  #find(ms: number): Period {
    const zoned = (at: number) => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(this.#zone);
    const period = {
      // The one before the next millisecond: it may be this one.
      fromMs: zoned(ms + 1).getTimeZoneTransition("previous")?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
      toMs: zoned(ms).getTimeZoneTransition("next")?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
      offsetMs: zoned(ms).offsetNanoseconds / 1e6,
    };
    this.#periods.push(period);
    return period;
  }
}

/**
 * Tells the two hours of a night in which clocks are set back apart by the order of a device's rows: time goes on in the direction in which the
 * file goes, so that a clock which seems to jump back has been set.
 */
export class FoldOrder {
  readonly #direction: 1 | -1;
  readonly #last = new Map<string, number>();

  /** `direction`: −1 where the newest row stands first. Held is an instant a device. */
  constructor(direction: 1 | -1) {
    this.#direction = direction;
  }

  /** Of one or two instants, which grow, the one that is meant; the next row is judged by it. */
  choose(deviceId: string, instants: readonly number[]): number {
    const last = this.#last.get(deviceId);
    const ordered = this.#direction === 1 ? instants : instants.toReversed();
    const isAhead = (ms: number): boolean => last === undefined || (ms - last) * this.#direction >= 0;
    const chosen = ordered.find(isAhead) ?? (ordered.at(-1) as number);
    this.#last.set(deviceId, chosen);
    return chosen;
  }
}
