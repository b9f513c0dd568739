import { expect, test } from "vitest";
import { readDeviceTime } from "./device-time.ts";

const noonMs = Date.UTC(2026, 0, 31, 12, 0, 1);

test.each([
  ["2026-01-31T12:00:01", noonMs, false],
  ["2026-01-31 12:00:01.123456", noonMs + 123, false],
  ["2026-01-31T12:00:01+0000", noonMs, true],
  ["2026-01-31T12:00:01,123Z", noonMs + 123, true],
  ["2026-01-31T12:00:01.123456789Z", noonMs + 123, true],
  ["2026-01-31t12:00:01z", noonMs, true],
  ["2016-12-31T23:59:60Z", Date.UTC(2017, 0, 1), true],
  ["2026-01-31T12:00:01+05", noonMs - 5 * 3_600_000, true],
  ["2026-01-31T12:00:01+00", noonMs, true],
  ["2026-01-31T12:00:01 +01:00", noonMs - 3_600_000, true],
  ["2026-01-31T12:00Z", noonMs - 1_000, true],
  ["2026-01-31T24:00:00Z", Date.UTC(2026, 1, 1), true],
  ["2026-01-31T12:00:01 UTC", noonMs, true],
  ["20260131T120001Z", noonMs, true],
  ["2026/01/31 12:00:01", noonMs, false],
  ["2026-01-31T12:00:01+01:00[Europe/Vienna]", noonMs - 3_600_000, true],
  ["Sat, 31 Jan 2026 12:00:01 GMT", noonMs, true],
  ["31 Jan 2026 12:00:01 +0100", noonMs - 3_600_000, true],
  [noonMs / 1_000, noonMs, true],
  [noonMs, noonMs, true],
  [noonMs * 1e3, noonMs, true],
  [noonMs / 1_000 + 0.25, noonMs + 250, true],
  [String(noonMs / 1_000), noonMs, true],
  [`${noonMs / 1_000}.5`, noonMs + 500, true],
])("%j is read", (written, ms, hasOffset) => {
  expect(readDeviceTime(written)).toEqual({ ms, hasOffset });
});

test.each([
  "",
  "now",
  "12:00:01",
  "2026-01-31",
  "2026-02-30T12:00:01Z",
  "2026-01-31T24:00:01Z",
  "2026-01-31T25:00:00",
  "31.01.2026 12:00",
  12_345,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  null,
  undefined,
  true,
  {},
  [noonMs],
  `2026-01-31T12:00:01${" ".repeat(100)}Z`,
])("%j is no time that can be read", (written) => {
  expect(readDeviceTime(written)).toBe(null);
});
