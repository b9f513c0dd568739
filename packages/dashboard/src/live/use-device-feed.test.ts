// @vitest-environment happy-dom
import type { CommandBody } from "@wattboard/protocol";
import { expect, it } from "vitest";
import { withCommand } from "./use-device-feed.ts";

it("files each step, and is not set back by a word that comes late", () => {
  const command = (id: string, steps: number) =>
    ({ command_id: id, history: Array.from({ length: steps }, () => ({})) }) as unknown as CommandBody;
  const first = withCommand([], command("cmd_1", 2));
  const second = withCommand(first, command("cmd_2", 1));
  expect(second.map(({ command_id }) => command_id)).toEqual(["cmd_2", "cmd_1"]);
  expect(withCommand(second, command("cmd_1", 3))[1]?.history).toHaveLength(3);
  expect(withCommand(second, command("cmd_1", 1))).toBe(second);
});
