import { expect, it } from "vitest";
import { formatInstant, formatSpan, timeOfDayIn } from "./format-time.ts";

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
