// What a device does with commands: each once, none after its time, none that it has not announced, and a lease ends by itself.

import { eventually } from "@wattboard/testing";
import { expect, test } from "vitest";
import { type ScriptedLink, startScriptedServer } from "./scripted-server.ts";
import { forEachSdk, journalFolder, type Sdk } from "./sdk-process.ts";

async function startPair(sdk: Sdk) {
  const server = await startScriptedServer();
  const journal = journalFolder();
  const device = sdk.start({ url: server.url, journal });
  const link = await server.link(0);
  await link.hello();
  return { server, journal, device, link };
}

function setMode(id: string, payload: object): object {
  return { command_id: id, action: "SET_MODE", payload };
}

/** What the device said of a command, in order. */
function resultsOf(link: ScriptedLink, id: string): unknown[] {
  return link.frames("command_result").flatMap(({ command_id, status }) => (command_id === id ? [status] : []));
}

forEachSdk("commands", (sdk) => {
  test("are carried out once, however often they come, also after a restart of the program", async () => {
    const { server, journal, device, link } = await startPair(sdk);
    const command = setMode("cmd_1", { target_mode: "MANUAL_CHARGE", target_power: 500 });
    link.send(command);
    link.send(command);
    await eventually(() => expect(resultsOf(link, "cmd_1").at(-1)).toBe("applied"));
    expect(resultsOf(link, "cmd_1")[0]).toBe("accepted");
    await device.kill();
    const again = sdk.start({ url: server.url, journal });
    const next = await server.link(1);
    await next.hello();
    next.send(command);
    await eventually(() => expect(resultsOf(next, "cmd_1")).toEqual(["applied"]));
    expect([...device.of("command"), ...again.of("command")].map((each) => each.command)).toEqual([command]);
  });

  test("that the device rejects, or fails at, are told with its words", async () => {
    const { link } = await startPair(sdk);
    link.send(setMode("cmd_1", { target_mode: "MANUAL_IDLE" }));
    link.send({ command_id: "cmd_2", action: "RESET_ERROR", payload: {} });
    await eventually(() => expect(link.frames("command_result")).toHaveLength(4));
    expect(link.frames("command_result").filter(({ status }) => status !== "accepted")).toEqual(
      expect.arrayContaining([
        { type: "command_result", command_id: "cmd_1", status: "rejected", reason: "not today" },
        { type: "command_result", command_id: "cmd_2", status: "failed", reason: "it is stuck" },
      ]),
    );
  });

  test.each([
    ["an action that nobody knows", { action: "EXPLODE", payload: {} }],
    ["a mode that nobody knows", { action: "SET_MODE", payload: { target_mode: "WARP" } }],
    ["an action that was not announced", { action: "RESTART", payload: {} }],
    [
      "more power than announced",
      { action: "SET_MODE", payload: { target_mode: "MANUAL_CHARGE", target_power: 2501 } },
    ],
    ["power below nothing", { action: "SET_MODE", payload: { target_mode: "MANUAL_CHARGE", target_power: -1 } }],
    ["a lease that is too short", { action: "SET_MODE", payload: { target_mode: "MANUAL_CHARGE", lease_ms: 999 } }],
    ["a lease for AUTO", { action: "SET_MODE", payload: { target_mode: "AUTO", lease_ms: 5_000 } }],
    ["a parameter out of its range", { action: "SET_PARAMETER", payload: { name: "reserve_soc", value: 51 } }],
    ["a parameter of another kind", { action: "SET_PARAMETER", payload: { name: "reserve_soc", value: 10.5 } }],
    ["a parameter that there is not", { action: "SET_PARAMETER", payload: { name: "colour", value: 10 } }],
  ])("with %s are rejected, and never carried out", async (_, command) => {
    const { device, link } = await startPair(sdk);
    link.send({ command_id: "cmd_1", ...command });
    await eventually(() => expect(resultsOf(link, "cmd_1")).toEqual(["rejected"]));
    expect(device.of("command")).toEqual([]);
  });

  test("that come after their deadline are rejected; those that come before it are carried out", async () => {
    const { device, link } = await startPair(sdk);
    const server_time = "2026-01-31T12:00:00.000Z";
    link.send({ type: "welcome", server_time, epoch: 1 });
    link.send({ type: "deadline", command_id: "late", expires_at: "2026-01-31T11:59:59.000Z" });
    link.send(setMode("late", { target_mode: "AUTO" }));
    link.send({ type: "deadline", command_id: "early", expires_at: "2026-01-31T13:00:00.000Z" });
    link.send(setMode("early", { target_mode: "AUTO" }));
    await eventually(() => expect(resultsOf(link, "early")).toEqual(["accepted", "applied"]));
    expect(resultsOf(link, "late")).toEqual(["rejected"]);
    expect(device.of("command").map(({ command }) => command?.command_id)).toEqual(["early"]);
  });

  test("with a lease end in AUTO by themselves, with or without a link, unless a later mode comes", async () => {
    const { device, link } = await startPair(sdk);
    link.send(setMode("cmd_1", { target_mode: "MANUAL_CHARGE", lease_ms: 1_000 }));
    await eventually(() => expect(resultsOf(link, "cmd_1")).toEqual(["accepted", "applied"]));
    link.cut();
    const modes = () =>
      device.of("command").map(({ command }) => (command as { payload: { target_mode: string } }).payload.target_mode);
    await eventually(() => expect(modes()).toEqual(["MANUAL_CHARGE", "AUTO"]));
  });
});
