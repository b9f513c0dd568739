import { points } from "@wattboard/protocol";
import { describe, expect, it } from "vitest";
import { describePower, signWord } from "./power.ts";

describe("a power in words", () => {
  it.each([
    ["battery.power", 558.6, "out", "charging"],
    ["battery.power", -558.6, "in", "discharging"],
    ["grid.power", 200, "in", "importing"],
    ["grid.power", -200, "out", "selling"],
    ["solar.power", 3_000, "in", "producing"],
    ["load.power", 400, "out", "using"],
  ] as const)("%s of %d W flows %s: %s", (point, signedW, flow, word) => {
    expect(describePower(point, signedW)).toEqual({ watts: Math.abs(signedW), flow, word });
  });

  it("has no direction below half a watt, so that noise does not flip the arrow", () => {
    expect(describePower("battery.power", -0.4)).toEqual({ watts: 0, flow: "none", word: "resting" });
    expect(describePower("grid.power", 0)).toEqual({ watts: 0, flow: "none", word: "balanced" });
  });
});

describe("a sign in words", () => {
  it("is known for every point of the catalogue that has a sign", () => {
    const signed = points.filter((point) => "sign" in point);
    expect(signed.length).toBeGreaterThan(0);
    for (const { name } of signed) expect(signWord(name, 12), name).toBeDefined();
  });

  it("is not invented where the catalogue names none", () => {
    expect(signWord("battery.voltage", 53)).toBeUndefined();
    expect(signWord("pump.speed", -3)).toBeUndefined();
  });
});
