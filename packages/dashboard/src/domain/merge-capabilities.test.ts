import { expect, it } from "vitest";
import { mergeCapabilities } from "./merge-capabilities.ts";

const small = { minimum: 5, maximum: 600 };
const large = { minimum: 10, maximum: 6_000 };

it("offers what one of the devices can be told, in the widest range that any of them has", () => {
  const merged = mergeCapabilities([
    { commands: { SET_MODE: { target_modes: ["AUTO"], target_power: { MANUAL_CHARGE: small } } } },
    {
      commands: {
        SET_MODE: { target_modes: ["MANUAL_CHARGE"], target_power: { MANUAL_CHARGE: large }, leases: true },
        RESTART: {},
      },
    },
  ]);
  expect(merged.commands).toEqual({
    SET_MODE: {
      target_modes: ["AUTO", "MANUAL_CHARGE"],
      target_power: { MANUAL_CHARGE: { minimum: 5, maximum: 6_000 }, MANUAL_DISCHARGE: {} },
      leases: true,
    },
    RESTART: {},
  });
});

it("gives a power no end where one of the devices has none", () => {
  const merged = mergeCapabilities([{ commands: { SET_MODE: { target_power: { MANUAL_CHARGE: small } } } }, null]);
  expect(merged.commands.SET_MODE?.target_power?.MANUAL_CHARGE).toEqual({});
  expect(merged.commands.RESET_ERROR).toEqual({});
});

it("offers each parameter once, with every choice that any device has", () => {
  const merged = mergeCapabilities([
    { commands: {}, parameters: [{ name: "profile", type: "text", choices: ["eco"] }] },
    { commands: {}, parameters: [{ name: "profile", type: "text", choices: ["eco", "boost"] }] },
  ]);
  expect(merged.parameters).toEqual([{ name: "profile", type: "text", choices: ["eco", "boost"] }]);
});
