import { expect, it } from "vitest";
import { formatNumber, scaleQuantity } from "./format-number.ts";

it.each([
  [0.4, "0", "W"],
  [-0.4, "0", "W"],
  [558.6, "559", "W"],
  [-200, "−200", "W"],
  [999.4, "999", "W"],
  [999.6, "1.00", "kW"],
  [1_234, "1.23", "kW"],
  [9_996, "10.0", "kW"],
  [45_640, "45.6", "kW"],
  [456_400, "456", "kW"],
  [-1_200_000, "−1.20", "MW"],
])("%d W reads %s %s", (watts, value, unit) => {
  expect(scaleQuantity(watts, "W")).toEqual({ value, unit });
});

it("keeps the digits that the catalogue asks for", () => {
  expect(formatNumber(50, 2)).toBe("50.00");
  expect(formatNumber(-0.001, 2)).toBe("0.00");
});
