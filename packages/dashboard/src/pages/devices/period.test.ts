import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dateIn, daysBetween, hoursAround, periodName, periodOf, periodUnits } from "./period.ts";

describe("a period", () => {
  test("holds the day that it was asked for", () => {
    expect(periodOf("day", "2026-03-29")).toEqual({ unit: "day", from: "2026-03-29", to: "2026-03-30", bars: 24 });
    expect(periodOf("week", "2026-03-29")).toEqual({ unit: "week", from: "2026-03-23", to: "2026-03-30", bars: 7 });
    expect(periodOf("week", "2026-03-23").from).toBe("2026-03-23");
    expect(periodOf("month", "2024-02-10")).toEqual({ unit: "month", from: "2024-02-01", to: "2024-03-01", bars: 29 });
    expect(periodOf("year", "2026-12-31")).toEqual({ unit: "year", from: "2026-01-01", to: "2027-01-01", bars: 12 });
  });

  test("joins the one before it, over the ends of months and years", () => {
    const dates = fc.date({ min: new Date("1990-01-01"), max: new Date("2090-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(fc.constantFrom(...periodUnits), dates, fc.nat(60), (unit, at, back) => {
        const date = at.toISOString().slice(0, 10);
        const [period, before] = [periodOf(unit, date, back), periodOf(unit, date, back + 1)];
        expect(before.to).toBe(period.from);
        expect(before.from < before.to).toBe(true);
        const now = periodOf(unit, date);
        expect(now.from <= date && date < now.to).toBe(true);
      }),
    );
  });

  test("has a name", () => {
    expect(periodName(periodOf("year", "2026-03-29"), "UTC")).toBe("2026");
    expect(periodName(periodOf("month", "2026-03-29"), "UTC")).toBe("March 2026");
    expect(periodName(periodOf("day", "2026-03-29"), "UTC")).toBe("Sunday, 29 March 2026");
    expect(periodName(periodOf("week", "2026-03-29"), "UTC")).toMatch(/23.*29.*2026/);
  });
});

test("the hours around an instant begin and end at whole ones, with half an hour on either side of it", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date("1990-01-01"), max: new Date("2090-01-01"), noInvalidDate: true }), (at) => {
      const { from, to } = hoursAround(at.getTime());
      expect([from, to].map((each) => each.slice(14))).toEqual(["00:00.000Z", "00:00.000Z"]);
      expect(Date.parse(to) - Date.parse(from)).toBe(2 * 3_600_000);
      expect(at.getTime() - Date.parse(from)).toBeGreaterThanOrEqual(1_800_000);
      expect(Date.parse(to) - at.getTime()).toBeGreaterThan(1_800_000 - 1);
    }),
  );
  expect(periodName(hoursAround(Date.parse("2026-03-29T12:40:00Z")), "Europe/Vienna")).toMatch(/14:00.*16:00/);
});

test("days are counted from one date to another, over a change of the clocks, and never below none", () => {
  expect(daysBetween("2026-03-28", "2026-03-30")).toBe(2);
  expect(daysBetween("2026-03-30", "2026-03-28")).toBe(0);
});

test("the date at a place is that of its time zone", () => {
  const atMs = Date.parse("2026-03-28T23:30:00Z");
  expect(dateIn("Europe/Vienna", atMs)).toBe("2026-03-29");
  expect(dateIn("Asia/Kolkata", atMs)).toBe("2026-03-29");
  expect(dateIn("America/New_York", atMs)).toBe("2026-03-28");
  expect(dateIn("Mars/Olympus", atMs)).toMatch(/^2026-03-2[89]$/);
});
