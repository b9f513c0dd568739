import { describe, expect, it } from "vitest";
import { freshnesses, freshnessOf, isPresent } from "./freshness.ts";
import { smartOsDialect } from "./smart-os.ts";

const hourMs = 3_600_000;
const solMate = { [smartOsDialect.key]: smartOsDialect.value };

describe("what may be called live", () => {
  it.each([
    [0, "live"],
    [5_000, "live"],
    [5_001, "late"],
    [30_000, "late"],
    [30_001, "stale"],
    [-300_000, "live"],
    [-300_001, "stale"],
    [-hourMs, "stale"],
    [null, "none"],
  ] as const)("a value of %s ms is %s", (ageMs, expected) => {
    expect(freshnessOf({ online: true, properties: {} }, ageMs)).toBe(expected);
  });

  it.each([
    [5_000, "live"],
    [5_001, "idle"],
    [hourMs, "idle"],
    [hourMs + 1, "stale"],
    [-hourMs, "stale"],
    [null, "none"],
  ] as const)("a value of %s ms of a device that sends only on change is %s", (ageMs, expected) => {
    expect(freshnessOf({ online: true, properties: solMate }, ageMs)).toBe(expected);
  });

  it("nothing of an offline device, even where its last value is a moment old", () => {
    expect(freshnessOf({ online: false, properties: {} }, 100)).toBe("offline");
    expect(freshnessOf({ online: false, properties: solMate }, 100)).toBe("offline");
    expect(freshnessOf({ online: false, properties: {} }, null)).toBe("offline");
  });

  it("is the present while it is live, late or idle", () => {
    expect(freshnesses.filter(isPresent)).toEqual(["live", "late", "idle"]);
  });
});
