// @vitest-environment happy-dom
import type { CommandBody } from "@wattboard/protocol";
import { expect, it } from "vitest";
import { withCommand } from "../../live/use-device-feed.ts";
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

it("files each step, and is not set back by a word that comes late", () => {
  const command = (id: string, steps: number) =>
    ({ command_id: id, history: Array.from({ length: steps }, () => ({})) }) as unknown as CommandBody;
  const first = withCommand([], command("cmd_1", 2));
  const second = withCommand(first, command("cmd_2", 1));
  expect(second.map(({ command_id }) => command_id)).toEqual(["cmd_2", "cmd_1"]);
  expect(withCommand(second, command("cmd_1", 3))[1]?.history).toHaveLength(3);
  expect(withCommand(second, command("cmd_1", 1))).toBe(second);
});
