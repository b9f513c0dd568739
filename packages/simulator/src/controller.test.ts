import { describe, expect, test } from "vitest";
import { Controller } from "./controller.ts";

const limitW = 3_000;

/** One long step: the regulation has settled. */
function decide(controller: Controller, soc: number, selfConsumptionW: number): number {
  const powerW = controller.decide({ soc, selfConsumptionW, dtS: 60 }, limitW, limitW);
  controller.settle(powerW, soc);
  return powerW;
}

describe("Controller", () => {
  test("charges with the surplus and discharges for the deficit in AUTO", () => {
    const controller = new Controller();
    expect(decide(controller, 0.5, 1_200)).toBeCloseTo(1_200, 6);
    expect(controller.state).toBe("CHARGING");
    expect(decide(controller, 0.5, -800)).toBeCloseTo(-800, 6);
    expect(controller.state).toBe("DISCHARGING");
    expect(decide(controller, 0.5, 3)).toBe(0);
    expect(controller.state).toBe("IDLE");
    expect(controller.mode).toBe("AUTO");
  });

  test("follows its meter in seconds, not at once", () => {
    const controller = new Controller();
    const powers = Array.from({ length: 8 }, () =>
      controller.decide({ soc: 0.5, selfConsumptionW: 1_000, dtS: 1 }, limitW, limitW),
    );
    expect(powers[0]).toBeLessThan(700);
    expect(powers[7]).toBeGreaterThan(990);
  });

  test("is FULL until there is room worth charging, and EMPTY until there is charge worth using", () => {
    const controller = new Controller();
    expect(decide(controller, 1, 1_000)).toBe(0);
    expect(controller.state).toBe("FULL");
    expect(decide(controller, 0.98, 1_000)).toBe(0);
    expect(decide(controller, 0.96, 1_000)).toBeGreaterThan(0);

    expect(decide(controller, 0.05, -1_000)).toBe(0);
    expect(controller.state).toBe("EMPTY");
    expect(decide(controller, 0.07, -1_000)).toBe(0);
    expect(decide(controller, 0.09, -1_000)).toBeLessThan(0);
  });

  test("does as told in MANUAL, within the battery's limits", () => {
    const controller = new Controller();
    controller.setMode("MANUAL_DISCHARGE", 500);
    expect(decide(controller, 0.5, 2_000)).toBeCloseTo(-500, 6);
    expect(controller.mode).toBe("MANUAL");
    controller.setMode("MANUAL_CHARGE", 99_000);
    expect(decide(controller, 0.5, -2_000)).toBeCloseTo(limitW, 6);
    controller.setMode("MANUAL_DISCHARGE");
    expect(decide(controller, 0.5, 2_000)).toBeCloseTo(-limitW, 6);
    controller.setMode("MANUAL_IDLE");
    expect(decide(controller, 0.5, 2_000)).toBe(0);
    expect(controller.state).toBe("IDLE");
    controller.setMode("AUTO");
    expect(decide(controller, 0.5, 2_000)).toBeCloseTo(2_000, 6);
  });

  test("stops at once in ERROR, and starts from rest after it", () => {
    const controller = new Controller();
    decide(controller, 0.5, 2_000);
    controller.fail();
    expect(controller.state).toBe("ERROR");
    const first = controller.decide({ soc: 0.5, selfConsumptionW: 2_000, dtS: 0.1 }, limitW, limitW);
    expect(first).toBeLessThan(200);
  });
});
