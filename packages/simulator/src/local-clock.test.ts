import { expect, test } from "vitest";
import { LocalClock } from "./local-clock.ts";
import { places } from "./places.ts";

test.each([
  ["Europe/Stockholm", "2026-01-31T12:00:00Z", 13],
  ["Europe/Stockholm", "2026-07-31T12:00:00Z", 14],
  // The hour of the change, on both sides of it.
  ["Europe/Stockholm", "2026-03-29T00:59:00Z", 1 + 59 / 60],
  ["Europe/Stockholm", "2026-03-29T01:00:00Z", 3],
  ["Asia/Kolkata", "2026-01-31T20:00:00Z", 1.5],
  ["Australia/Adelaide", "2026-01-31T00:00:00Z", 10.5],
  ["America/Los_Angeles", "2026-01-31T05:00:00Z", 21],
  ["Africa/Nairobi", "2026-01-31T21:00:00Z", 0],
])("shows the wall clock of %s at %s", (zone, time, hour) => {
  expect(LocalClock.of(zone).hourOfDay(Date.parse(time))).toBeCloseTo(hour, 6);
});

test("knows the weekend by the local date", () => {
  // Friday 20:00 in London is Saturday in India.
  const time = Date.parse("2026-01-30T20:00:00Z");
  expect(LocalClock.of("Europe/London").isWeekend(time)).toBe(false);
  expect(LocalClock.of("Asia/Kolkata").isWeekend(time)).toBe(true);
});

test("knows the zone of every place", () => {
  for (const place of places) {
    const solarHours = place.longitudeDeg / 15;
    const zoneHours = LocalClock.of(place.timeZone).offsetMs(Date.UTC(2026, 0, 15)) / 3_600_000;
    expect(Math.abs(zoneHours - solarHours), place.name).toBeLessThan(2.2);
  }
});
