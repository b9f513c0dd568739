import { describe, expect, test } from "vitest";
import { type FaultFlag, Faults } from "./faults.ts";
import { Random } from "./random.ts";

const healthy = { batteryC: 25, voltageShare: 1 };

/** Steps until `flag` is active, with the vitals that its cause would lead to. */
function strike(flag: FaultFlag): Faults {
  const faults = new Faults(500, new Random("strike"));
  for (let n = 0; n < 100_000 && !faults.active.has(flag); n++) {
    faults.step(10, {
      batteryC: flag === "OVERHEAT" && faults.resistanceFactor > 1 ? 60 : 25,
      voltageShare: 1 + faults.swell,
    });
  }
  expect([...faults.active]).toContain(flag);
  return faults;
}

describe("Faults", () => {
  test("come at their rate and no more often", () => {
    const random = new Random("rate");
    const faults = new Faults(0.05, random);
    let errors = 0;
    let wasWell = true;
    const days = 4_000;
    for (let n = 0; n < days * 1_440; n++) {
      const batteryC = faults.resistanceFactor > 1 && faults.active.size === 0 ? 60 : 25;
      faults.step(60, { batteryC, voltageShare: 1 + faults.swell });
      if (wasWell && faults.active.size > 0) errors++;
      wasWell = faults.active.size === 0;
    }
    expect(errors / days).toBeGreaterThan(0.03);
    expect(errors / days).toBeLessThan(0.07);
  });

  test("never come at a rate of 0", () => {
    const faults = new Faults(0, new Random("none"));
    for (let n = 0; n < 100_000; n++) faults.step(60, healthy);
    expect(faults.active.size).toBe(0);
  });

  test("an overheated battery is not reset before it has cooled, and its contact is mended by the reset", () => {
    const faults = strike("OVERHEAT");
    expect(faults.reset({ ...healthy, batteryC: 50 })).toMatch(/OVERHEAT/);
    expect([...faults.active]).toContain("OVERHEAT");
    faults.reset({ ...healthy, batteryC: 40 });
    expect([...faults.active]).not.toContain("OVERHEAT");
    expect(faults.resistanceFactor).toBe(1);
  });

  test("a swell of the grid passes by itself, its flag does not", () => {
    const faults = strike("GRID_OVERVOLTAGE");
    expect(faults.reset({ ...healthy, voltageShare: 1.13 })).toMatch(/GRID_OVERVOLTAGE/);
    expect([...faults.active]).toContain("GRID_OVERVOLTAGE");
    faults.reset(healthy);
    expect([...faults.active]).not.toContain("GRID_OVERVOLTAGE");
  });

  test("where nobody resets, somebody on site does within half a day", () => {
    // One fault, then no more: the rate is so low that the next is years away.
    const faults = new Faults(0.0001, new Random("once"));
    const vitals = { ...healthy, batteryC: 60 };
    faults.step(1, vitals);
    expect([...faults.active]).toEqual(["OVERHEAT"]);
    for (let minute = 0; minute < 12 * 60 + 1; minute++) faults.step(60, healthy);
    expect(faults.active.size).toBe(0);
  });
});
