import { expect, it } from "vitest";
import { formatInstant, formatSpan, instantIn, timeOfDayIn } from "./format-time.ts";

const noonMs = Date.parse("2026-06-01T12:00:00Z");

it("tells the time of day at the device's place", () => {
  expect(timeOfDayIn("Asia/Kolkata", noonMs)).toBe("Mon 17:30");
});

it("says nothing about a time zone that does not exist", () => {
  expect(timeOfDayIn("Mars/Olympus", noonMs)).toBeNull();
});

it("adds the day to an instant that is not of today", () => {
  expect(formatInstant(noonMs - 3 * 86_400_000, noonMs)).toMatch(/2026/);
  expect(formatInstant(noonMs - 60_000, noonMs)).not.toMatch(/2026/);
});

it.each([
  [40_000, "40 s"],
  [12 * 60_000 + 59_000, "12 min"],
  [3 * 3_600_000, "3 h"],
  [3_600_000 + 5 * 60_000, "1 h 5 min"],
  [(2 * 24 + 7) * 3_600_000, "2 d 7 h"],
])("%d ms took %s", (ms, text) => {
  expect(formatSpan(ms)).toBe(text);
});

it.each([
  ["Asia/Kolkata", "2026-06-01T17:30:00", "2026-06-01T12:00:00Z"],
  ["Europe/Vienna", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"],
  ["Europe/Vienna", "2026-03-29T03:00", "2026-03-29T01:00:00Z"],
  ["Europe/Vienna", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"],
  ["Europe/Vienna", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"],
  ["Pacific/Auckland", "2026-01-01T00:00:00", "2025-12-31T11:00:00Z"],
])("in %s, %s is %s", (timeZone, time, instant) => {
  expect(new Date(instantIn(timeZone, time)).toISOString()).toBe(new Date(instant).toISOString());
});
