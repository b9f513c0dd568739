import { expect, it } from "vitest";
import { formatInstant, timeOfDayIn } from "./format-time.ts";

const noonMs = Date.parse("2026-06-01T12:00:00Z");

it("tells the time of day at the device's place", () => {
  expect(timeOfDayIn("Asia/Kolkata", noonMs)).toMatch(/0?5[:.]30/);
});

it("says nothing about a time zone that does not exist", () => {
  expect(timeOfDayIn("Mars/Olympus", noonMs)).toBeNull();
});

it("adds the day to an instant that is not of today", () => {
  expect(formatInstant(noonMs - 3 * 86_400_000, noonMs)).toMatch(/2026/);
  expect(formatInstant(noonMs - 60_000, noonMs)).not.toMatch(/2026/);
});
