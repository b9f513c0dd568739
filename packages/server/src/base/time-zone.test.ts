import fc from "fast-check";
import { expect, test } from "vitest";
import { calendarEdges, calendarFromMs, calendarSpans, isTimeZone, startOfDate } from "./time-zone.ts";

const hourMs = 3_600_000;
const hoursOf = (edges: readonly number[]): number[] =>
  edges.slice(1).map((edge, at) => (edge - (edges[at] as number)) / hourMs);

const zones = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
const instants = fc.integer({ min: calendarFromMs, max: Date.UTC(2037, 11, 31) });

test("edges grow, hold what was asked for, and are multiples of 15 minutes, in every time zone", () => {
  fc.assert(
    fc.property(zones, instants, fc.constantFrom("hour", "day", "month", "year"), (zone, fromMs, per) => {
      const toMs = fromMs + 36 * hourMs;
      const edges = calendarEdges(fromMs, toMs, per, zone);
      expect(edges[0]).toBeLessThanOrEqual(fromMs);
      expect(edges[1]).toBeGreaterThan(fromMs);
      expect(edges.at(-1)).toBeGreaterThanOrEqual(toMs);
      expect(edges.at(-2)).toBeLessThan(toMs);
      for (const length of hoursOf(edges)) expect(length).toBeGreaterThan(0);
      for (const edge of edges) expect(edge % (15 * 60_000)).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});

test("the earliest edges are multiples of 15 minutes too, in every time zone", () => {
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    for (const per of calendarSpans) {
      const [edge = 0] = calendarEdges(calendarFromMs, calendarFromMs + 1, per, zone);
      expect([zone, per, edge % (15 * 60_000)]).toEqual([zone, per, 0]);
    }
  }
});

test("hours tile the day, days the month, months the year, in every time zone", () => {
  fc.assert(
    fc.property(zones, instants, (zone, atMs) => {
      for (const [small, large] of [
        ["hour", "day"],
        ["day", "month"],
        ["month", "year"],
      ] as const) {
        const [fromMs = 0, toMs = 0] = calendarEdges(atMs, atMs + 1, large, zone);
        const edges = calendarEdges(fromMs, toMs, small, zone);
        expect([edges[0], edges.at(-1)]).toEqual([fromMs, toMs]);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a day has 24 hours, and 23 or 25 where the clocks are set; on Lord Howe 23.5 and 24.5", () => {
  const dayOf = (date: string, zone: string): number =>
    hoursOf(calendarEdges(startOfDate(date, zone), startOfDate(date, zone) + 1, "day", zone))[0] ?? Number.NaN;
  expect(dayOf("2026-03-28", "Europe/Vienna")).toBe(24);
  expect(dayOf("2026-03-29", "Europe/Vienna")).toBe(23);
  expect(dayOf("2026-10-25", "Europe/Vienna")).toBe(25);
  expect(dayOf("2026-10-04", "Australia/Lord_Howe")).toBe(23.5);
  expect(dayOf("2026-04-05", "Australia/Lord_Howe")).toBe(24.5);
  // Where clocks are set at midnight the day begins at one o'clock.
  expect(dayOf("2026-04-24", "Africa/Cairo")).toBe(23);
  expect(new Date(startOfDate("2026-04-24", "Africa/Cairo")).toISOString()).toBe("2026-04-23T22:00:00.000Z");
});

test("each hour is one that the clock on the wall shows", () => {
  const hoursOn = (date: string, zone: string): number[] => {
    const fromMs = startOfDate(date, zone);
    return hoursOf(calendarEdges(fromMs, calendarEdges(fromMs, fromMs + 1, "day", zone)[1] as number, "hour", zone));
  };
  expect(hoursOn("2026-10-25", "Europe/Vienna")).toEqual(Array(25).fill(1));
  expect(hoursOn("2026-03-29", "Europe/Vienna")).toEqual(Array(23).fill(1));
  expect(hoursOn("2026-10-04", "Australia/Lord_Howe")).toEqual([1, 1, 0.5, ...Array(21).fill(1)]);
  expect(hoursOn("2026-04-05", "Australia/Lord_Howe")).toEqual([1, 1, 0.5, ...Array(22).fill(1)]);
});

test("India's day begins at half past six in the evening of UTC, Nepal's a quarter before", () => {
  expect(new Date(startOfDate("2026-01-31", "Asia/Kolkata")).toISOString()).toBe("2026-01-30T18:30:00.000Z");
  expect(new Date(startOfDate("2026-01-31", "Asia/Kathmandu")).toISOString()).toBe("2026-01-30T18:15:00.000Z");
});

test("the day that Samoa left out has no length and is left out", () => {
  const edges = calendarEdges(
    startOfDate("2011-12-29", "Pacific/Apia"),
    startOfDate("2012-01-01", "Pacific/Apia"),
    "day",
    "Pacific/Apia",
  );
  expect(hoursOf(edges)).toEqual([24, 24]);
});

test("knows names of time zones from other texts", () => {
  for (const name of ["Europe/Vienna", "UTC", "Asia/Kolkata", "europe/vienna"])
    expect([name, isTimeZone(name)]).toEqual([name, true]);
  for (const name of ["", "+05:30", "Vienna", "Europe/Vienna ", "UTC+1", "../etc", "5"]) {
    expect([name, isTimeZone(name)]).toEqual([name, false]);
  }
  for (const date of ["2026-02-30", "2026-1-1", "yesterday", "", "2026-01-01T00:00:00Z"])
    expect(startOfDate(date, "UTC")).toBeNaN();
});
