import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRfc3339 } from "./rfc3339.ts";

describe("parseRfc3339", () => {
  test("agrees with Date for every millisecond from the year 1 to 9999", () => {
    const min = new Date("0001-01-01T00:00:00.000Z");
    const max = new Date("9999-12-31T23:59:59.999Z");
    fc.assert(
      fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
        expect(parseRfc3339(date.toISOString())).toBe(date.getTime());
      }),
    );
  });

  test.each([
    ["2026-01-31T12:00:01Z", Date.UTC(2026, 0, 31, 12, 0, 1)],
    ["2026-01-31t12:00:01z", Date.UTC(2026, 0, 31, 12, 0, 1)],
    ["2026-01-31 12:00:01.5Z", Date.UTC(2026, 0, 31, 12, 0, 1, 500)],
    ["2026-01-31T12:00:01.123456+05:30", Date.UTC(2026, 0, 31, 6, 30, 1, 123)],
    ["2026-01-01T00:30:00-01:00", Date.UTC(2026, 0, 1, 1, 30)],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["2016-12-31T23:59:60Z", Date.UTC(2017, 0, 1)],
  ])("reads %s", (text, ms) => {
    expect(parseRfc3339(text)).toBe(ms);
  });

  test.each([
    "",
    "now",
    "2026-01-31",
    "2026-01-31T12:00:01",
    "2026-01-31T12:00Z",
    "2026-13-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60:00Z",
    "2026-01-31T12:00:01.Z",
    "2026-01-31T12:00:01+0530",
    "2026-01-31T12:00:01+24:00",
    "2026-01-31T12:00:01ZZ",
    "+2026-01-31T12:00:01Z",
    "2026-1-31T12:00:01.00Z",
    "２026-01-31T12:00:01Z",
  ])("refuses %j", (text) => {
    expect(parseRfc3339(text)).toBeNaN();
  });
});
