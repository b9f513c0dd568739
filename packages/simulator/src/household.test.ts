import { describe, expect, test } from "vitest";
import { Household, type HouseholdSpec } from "./household.ts";
import { householdProfile } from "./household-profile.ts";
import { Random } from "./random.ts";

const family: HouseholdSpec = {
  occupancy: "household",
  timeZone: "Asia/Kolkata",
  baseW: 90,
  livelyW: 350,
  applianceSize: 1,
  heatingWPerK: 0,
  coolingWPerK: 0,
};
const mondayMs = Date.parse("2026-02-01T18:30:00Z"); // Monday 00:00 in India.

/** Mean power by hour of the local day over `days` days. */
function hours(spec: HouseholdSpec, days: number, dtS: number, airC = 20): number[] {
  const household = new Household(spec, new Random("family"));
  const sums = new Array<number>(24).fill(0);
  for (let atS = dtS; atS <= days * 86_400; atS += dtS) {
    const hour = Math.floor(((atS - dtS / 2) % 86_400) / 3_600);
    sums[hour] = (sums[hour] ?? 0) + household.step(dtS, mondayMs + atS * 1_000, airC) * dtS;
  }
  return sums.map((energy) => energy / (days * 3_600));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("householdProfile", () => {
  test("peaks at breakfast and in the evening, later at the weekend", () => {
    expect(householdProfile("household", 7, false)).toBeGreaterThan(2 * householdProfile("household", 3, false));
    expect(householdProfile("household", 19, false)).toBe(1);
    expect(householdProfile("household", 7, true)).toBeLessThan(householdProfile("household", 9.5, true));
  });

  test("lets a business rest at the weekend", () => {
    expect(householdProfile("business", 10, false)).toBeGreaterThan(4 * householdProfile("business", 10, true));
  });

  test("joins the hours without a jump, over midnight too", () => {
    for (let minute = 0; minute < 1_440; minute++) {
      const now = householdProfile("household", minute / 60, false);
      expect(Math.abs(householdProfile("household", ((minute + 1) / 60) % 24, false) - now)).toBeLessThan(0.02);
    }
  });
});

describe("Household", () => {
  test("uses 6 to 14 kWh a day as a family without heating", () => {
    const perDay = (24 * mean(hours(family, 60, 60))) / 1_000;
    expect(perDay).toBeGreaterThan(6);
    expect(perDay).toBeLessThan(14);
  });

  test("has its evening peak in the evening of the place", () => {
    const byHour = hours(family, 60, 60);
    const evening = mean(byHour.slice(18, 21));
    expect(evening).toBeGreaterThan(2 * mean(byHour.slice(1, 5)));
    expect(evening).toBeGreaterThan(1.3 * mean(byHour.slice(10, 12)));
  });

  test("uses as much in long steps as in short ones", () => {
    const short = mean(hours(family, 40, 5));
    const long = mean(hours(family, 40, 1_200));
    expect(Math.abs(long / short - 1)).toBeLessThan(0.1);
  });

  test("shows the kettle: seconds at two kilowatts above the rest", () => {
    const household = new Household(family, new Random("kettle"));
    let peakW = 0;
    let leastW = Number.POSITIVE_INFINITY;
    for (let atS = 1; atS <= 86_400; atS++) {
      const powerW = household.step(1, mondayMs + atS * 1_000, 20);
      peakW = Math.max(peakW, powerW);
      leastW = Math.min(leastW, powerW);
    }
    expect(peakW).toBeGreaterThan(2_000);
    expect(leastW).toBeGreaterThan(80);
    expect(leastW).toBeLessThan(160);
  });

  test("heats in the cold and cools in the heat", () => {
    const comfortable = { ...family, heatingWPerK: 40, coolingWPerK: 60 };
    const [cold, mild, hot] = [-10, 20, 38].map((airC) => mean(hours(comfortable, 7, 60, airC)));
    expect(cold).toBeGreaterThan((mild ?? 0) + 700);
    expect(hot).toBeGreaterThan((mild ?? 0) + 300);
  });
});
