import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OutageCode } from "./outage.ts";
import { parseRetryAfter } from "./parse-retry-after.ts";
import { retryDelayMs } from "./retry-delay.ts";

const outage = (code: OutageCode, retryAfterMs?: number) => ({
  code,
  message: "",
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const lowest = () => 0;
const highest = () => 1 - Number.EPSILON;

describe("the delay before the next try", () => {
  test("is 5 s at first on average, within 1 to 9", () => {
    expect(retryDelayMs(outage("unreachable"), 0, lowest)).toBe(1_000);
    expect(retryDelayMs(outage("closed"), 0, () => 0.5)).toBe(5_000);
    expect(retryDelayMs(outage("silent"), 0, highest)).toBeCloseTo(9_000);
  });

  test.each([
    ["a link that was lost", outage("closed"), 0],
    ["several tries", outage("unreachable"), 4],
    ["a server that asks for 30 s", outage("busy", 30_000), 0],
  ])(
    "spreads ten thousand devices that were cut at once, after %s: no second has more than a fifth",
    (_after, what, failures) => {
      const bySecond = new Map<number, number>();
      for (let device = 0; device < 10_000; device++) {
        const second = Math.floor(retryDelayMs(what, failures, Math.random) / 1_000);
        bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
      }
      expect(Math.max(...bySecond.values())).toBeLessThan(2_000);
    },
  );

  test("then lies anywhere up to a bound that doubles to 60 s", () => {
    const bounds = [1, 2, 3, 4, 5, 1_000].map((failures) => retryDelayMs(outage("unreachable"), failures, highest));
    expect(bounds.map(Math.round)).toEqual([10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    expect(retryDelayMs(outage("unreachable"), 4, () => 0.25)).toBe(15_000);
  });

  test("is at least a second, so that bad luck makes no hot loop", () => {
    expect(retryDelayMs(outage("unreachable"), 3, lowest)).toBe(1_000);
  });

  test.each(["replaced", "revoked"] as const)("is 30 to 60 s after %s", (code) => {
    expect(retryDelayMs(outage(code), 0, lowest)).toBe(30_000);
    expect(retryDelayMs(outage(code), 0, highest)).toBeCloseTo(60_000);
  });

  test.each(["forbidden", "unexpected_answer"] as const)("is about 60 s after %s", (code) => {
    expect(retryDelayMs(outage(code), 0, lowest)).toBe(48_000);
    expect(retryDelayMs(outage(code), 9, highest)).toBeCloseTo(72_000);
  });

  test("is never shorter than Retry-After asks, and a quarter longer at most", () => {
    expect(retryDelayMs(outage("busy", 20_000), 0, lowest)).toBe(20_000);
    expect(retryDelayMs(outage("busy", 20_000), 7, highest)).toBeCloseTo(25_000);
  });

  test("does not let Retry-After put the device to sleep for a day, or spin", () => {
    expect(retryDelayMs(outage("busy", 86_400_000), 0, lowest)).toBe(300_000);
    expect(retryDelayMs(outage("busy", 0), 0, lowest)).toBe(1_000);
  });

  test("lies between 1 s and 375 s whatever happens", () => {
    const codes = [
      "unreachable",
      "forbidden",
      "busy",
      "unexpected_answer",
      "replaced",
      "revoked",
      "silent",
      "closed",
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...codes),
        fc.option(fc.double({ min: 0, noNaN: true }), { nil: undefined }),
        fc.nat(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (code, retryAfterMs, failures, random) => {
          const delayMs = retryDelayMs(outage(code, retryAfterMs), failures, () => random);
          return delayMs >= 1_000 && delayMs <= 375_000;
        },
      ),
    );
  });
});

describe("Retry-After", () => {
  const nowMs = Date.parse("2026-01-31T12:00:00Z");

  test("is read as seconds or as an HTTP date", () => {
    expect(parseRetryAfter("120", nowMs)).toBe(120_000);
    expect(parseRetryAfter("Sat, 31 Jan 2026 12:00:30 GMT", nowMs)).toBe(30_000);
    expect(parseRetryAfter("Sat, 31 Jan 2026 11:00:00 GMT", nowMs)).toBe(0);
  });

  test("counts for nothing where it is missing or unreadable", () => {
    expect(parseRetryAfter(undefined, nowMs)).toBeUndefined();
    expect(parseRetryAfter("soon", nowMs)).toBeUndefined();
  });
});
