import { limits, type Refusal, refuse } from "@wattboard/protocol";
import Type from "typebox";
import { isoTime } from "../base/iso-time.ts";
import { parseTime, timeForms } from "../base/parse-time.ts";
import { calendarFromMs, isTimeZone } from "../base/time-zone.ts";
import { windowMs } from "../store/algebra/window.ts";

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
/** The longest range of a question, ms: ten years. */
export const spanMsMax = 3_660 * dayMs;
export const bucketsMax = 2_000;

/** Widths that people read easily, ms. Those of 15 minutes and more are multiples of them, since the store's summaries are. */
const bucketWidthsMs = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * secondMs),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * minuteMs),
  ...[1, 2, 3, 6, 12].map((hours) => hours * hourMs),
  ...[1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1_830, 3_660, 7_320].map((days) => days * dayMs),
];

/** `from`, `to` and `time_zone` as every question about the past takes them. */
export const rangeProperties = {
  from: Type.Optional(
    Type.String({
      description: "Start: an RFC 3339 time, or a date, which is the start of that day in the time zone",
      examples: ["2026-01-31T12:00:00Z", "2026-01-31"],
    }),
  ),
  to: Type.Optional(
    Type.String({
      description: "End, not included; now where it is left out, or lies ahead",
      examples: ["2026-02-01T00:00:00Z", "2026-02-01"],
    }),
  ),
  time_zone: Type.Optional(
    Type.String({
      description:
        "IANA name of the time zone in which days begin. Left out: the device's property `time_zone`, else the setting `site.time_zone`",
      examples: ["Europe/Vienna"],
    }),
  ),
};

/** Where the next page of samples begins, and the range, whose end may have been `now`. */
export const samplesPlace = Type.Object(
  {
    f: Type.Integer(),
    t: Type.Integer(),
    k: Type.Enum(["first", "last"]),
    o: Type.Integer(),
    e: Type.Integer(),
    s: Type.Integer(),
  },
  { additionalProperties: false },
);

export interface RangeQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly time_zone?: string | undefined;
}

interface RangeRules {
  readonly nowMs: number;
  /** From `from` to `to` where `from` is left out. */
  readonly defaultMs: number;
  readonly spanMsMax: number;
  /** What the time zone is, where the question does not say. */
  readonly timeZone: string;
}

export function readTimeZone(query: Pick<RangeQuery, "time_zone">, fallback: string): string | Refusal {
  const timeZone = query.time_zone ?? fallback;
  if (isTimeZone(timeZone)) return timeZone;
  return refuse(
    "invalid_request",
    `time_zone must be the IANA name of a time zone, such as Europe/Vienna; ${JSON.stringify(timeZone.slice(0, 80))} is none.`,
  );
}

/** The range of a question. What lies ahead of now is left out: nothing is missing there. */
export function readRange(query: RangeQuery, rules: RangeRules): TimeRange | Refusal {
  const timeZone = readTimeZone(query, rules.timeZone);
  if (typeof timeZone !== "string") return timeZone;
  // A sample may be filed a little ahead of this server's clock.
  const latestMs = rules.nowMs + limits.clockSkewMsMax;
  const toMs =
    query.to === undefined ? rules.nowMs + 1 : Math.min(parseTime(query.to, rules.nowMs, timeZone), latestMs);
  const fromMs =
    query.from === undefined
      ? Math.max(calendarFromMs, toMs - rules.defaultMs)
      : parseTime(query.from, rules.nowMs, timeZone);
  for (const [name, ms] of [
    ["from", fromMs],
    ["to", toMs],
  ] as const) {
    if (Number.isNaN(ms)) {
      return refuse("invalid_request", `${name} must be ${timeForms}.`);
    }
    if (ms < calendarFromMs) return refuse("invalid_request", `${name} lies before 1981.`);
  }
  if (fromMs > toMs) {
    const isAhead = fromMs > latestMs;
    return refuse("invalid_request", isAhead ? "from lies in the future." : "from must not lie behind to.");
  }
  if (toMs - fromMs > rules.spanMsMax) {
    return refuse(
      "range_too_large",
      `from and to may lie ${Math.floor(rules.spanMsMax / dayMs)} days apart. Ask for parts of the range.`,
    );
  }
  return { fromMs, toMs };
}

/**
 * The range in at most `buckets` buckets of a width that people read easily, and the range itself moved out to where buckets can begin and end:
 * full seconds, and full quarters of an hour where a bucket has 15 minutes or more. A range that begins on one, as every day does, begins there.
 */
export function chooseBuckets(
  { fromMs, toMs }: TimeRange,
  buckets: number,
  nowMs: number,
  leastMs: number = secondMs,
): TimeRange & { readonly bucketMs: number } {
  for (const bucketMs of bucketWidthsMs) {
    if (bucketMs < leastMs) continue;
    const unitMs = bucketMs >= windowMs ? windowMs : leastMs;
    const endMs = Math.ceil(toMs / unitMs) * unitMs;
    // What lies ahead is not missing. Only where buckets are read by the minute must they be whole.
    const behindMs = unitMs === minuteMs ? endMs : Math.min(endMs, Math.max(toMs, nowMs));
    const isOnQuarter = unitMs === windowMs && fromMs % windowMs === 0;
    for (const stepMs of isOnQuarter ? [unitMs] : [bucketMs, unitMs]) {
      const startMs = Math.floor(fromMs / stepMs) * stepMs;
      if (behindMs - startMs <= buckets * bucketMs) return { fromMs: startMs, toMs: behindMs, bucketMs };
    }
  }
  throw new Error(`No width of buckets fits ${toMs - fromMs} ms into ${buckets}.`);
}

/** The starts of buckets, as texts. */
export function bucketTimes({ fromMs, toMs, bucketMs }: TimeRange & { readonly bucketMs: number }): string[] {
  return Array.from({ length: Math.ceil((toMs - fromMs) / bucketMs) }, (_, at) => isoTime(fromMs + at * bucketMs));
}
