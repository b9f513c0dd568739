import { expect, it } from "vitest";
import { commandWords, leaseWords, statusTone } from "./command-words.ts";

it("says what a command asks for", () => {
  const payload = { target_mode: "MANUAL_DISCHARGE", target_power: 1500, lease_ms: 900_000 };
  expect(commandWords({ action: "SET_MODE", payload })).toBe("Discharge, 1,500 W, for 15 min");
  expect(commandWords({ action: "SET_MODE", payload: { target_mode: "AUTO" } })).toBe("Auto");
  expect(commandWords({ action: "SET_PARAMETER", payload: { name: "reserve_soc", value: 20 } })).toBe(
    "reserve_soc = 20",
  );
  expect([90_000, 900_000, 14_400_000].map(leaseWords)).toEqual(["90 s", "15 min", "4 h"]);
});

it("shows what nobody has confirmed as no success", () => {
  expect(statusTone("unconfirmed")).toBe("bad");
  expect(statusTone("accepted")).toBe("open");
  expect(statusTone("applied")).toBe("good");
});
