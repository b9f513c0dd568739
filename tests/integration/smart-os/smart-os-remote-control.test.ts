import { runSolMates } from "@wattboard/simulator";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail } from "../../support/api.ts";
import { callerOf } from "../../support/commands.ts";
import { eventually } from "../../support/eventually.ts";
import { ask, openDoors, openSolMate, said, update } from "../../support/smart-os.ts";
import { startServer } from "../../support/start-server.ts";

describe("remote control", () => {
  const announce = {
    type: "CMND",
    message: `0002:0001:${JSON.stringify({
      commands: { RESTART: {} },
      parameters: [
        { name: "power_inject", type: "number", minimum: 0, maximum: 800, unit: "W" },
        { name: "operating_mode", type: "text", choices: ["eco", "boost"] },
      ],
    })}`,
  };

  test("a parameter is set in a device that announced it, and counts as applied when its update shows it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { power_inject: 100 }));
    expect(await ask(solMate, announce)).toBe(said("0002:0001", "OK"));
    const set = { action: "SET_PARAMETER", payload: { name: "power_inject", value: 300 } } as const;
    const { command_id } = await operator.give("0001", set);
    const frame = JSON.parse((await solMate.receive(3))[2] ?? "");
    expect(frame.type).toBe("CMND");
    const [, id = "", body = ""] = /^(\d{4}:0001):(.*)$/.exec(frame.message) ?? [];
    expect(id).toBe("0001:0001");
    expect(JSON.parse(body)).toEqual({ command_id, ...set, expires_at: expect.stringMatching(/Z$/) });
    const result = JSON.stringify({ command_id, status: "accepted" });
    expect(await ask(solMate, { type: "CMND", message: `0003:0001:${result}` })).toBe(said("0003:0001", "OK"));
    await operator.reaches("0001", command_id, "accepted");
    await ask(solMate, update("0001", { power_inject: 300 }));
    await operator.reaches("0001", command_id, "applied");
    const admin = callerOf(server, "admin");
    const { audit } = await admin.get<{ audit: object[] }>("/audit?action=command&device=0001");
    expect(audit).toMatchObject([{ target: command_id, who: "token operator" }]);
  });

  test("a text parameter is a point, so that an update can show it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, announce);
    const payload = { name: "operating_mode", value: "boost" };
    const { command_id } = await operator.give("0001", { action: "SET_PARAMETER", payload });
    await solMate.receive(2);
    await ask(solMate, update("0001", { operating_mode: "boost" }));
    await operator.reaches("0001", command_id, "applied");
  });

  test("an emulated SolMate announces what it can be told, obeys, and shows it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const stop = new AbortController();
    const ended = runSolMates({
      url: server.url,
      devices: 2,
      behaviour: "random",
      valueMax: 400,
      sleepMinS: 0.02,
      sleepMaxS: 0.05,
      seed: 1,
      remoteControl: true,
      signal: stop.signal,
    });
    const parameters = async () => (await operator.list("0001")).announced?.parameters;
    await eventually(async () =>
      expect((await parameters())?.map(({ name }) => name)).toEqual(["inject_max", "injecting"]),
    );
    const set = (name: string, value: number | boolean) =>
      operator.give("0001", { action: "SET_PARAMETER", payload: { name, value } });
    const { command_id } = await set("inject_max", 30);
    await operator.reaches("0001", command_id, "applied");
    const before = (await deviceDetail(server, "0001")).accepted;
    await eventually(async () => expect((await deviceDetail(server, "0001")).accepted).toBeGreaterThan(before + 20));
    const { telemetry } = (await deviceDetail(server, "0001")).latest ?? {};
    expect(telemetry?.inverter?.power).toBeLessThanOrEqual(30);
    expect((await deviceDetail(server, "0002")).latest?.telemetry).toMatchObject({ smart_os: { inject_max: 400 } });
    const off = await set("injecting", false);
    await operator.reaches("0001", off.command_id, "applied");
    expect((await deviceDetail(server, "0001")).latest?.telemetry).toMatchObject({ inverter: { power: 0 } });
    stop.abort();
    await ended;
  });

  test("a command waits for a device that is away, and goes out when it has announced that it knows it", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const first = await openSolMate(server.wsUrl);
    await ask(first, announce);
    first.webSocket.close();
    await eventually(async () => expect((await deviceDetail(server, "0001")).online).toBe(false));
    const { command_id, status } = await operator.give("0001", { action: "RESTART", payload: {} });
    expect(status).toBe("queued");
    const second = await openSolMate(server.wsUrl);
    await ask(second, update("0001", { battery: 50 }));
    expect(await ask(second, announce)).toMatch(/OK|CMND/);
    await second.receive(3);
    expect(second.received.some((frame) => frame.includes(command_id))).toBe(true);
  });

  test("a device that comes back and announces nothing is told nothing: what waits for it is rejected", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    const server = await startServer({ clock, settings: openDoors });
    const operator = callerOf(server, "operator");
    const first = await openSolMate(server.wsUrl);
    await ask(first, announce);
    first.webSocket.close();
    await eventually(async () => expect((await deviceDetail(server, "0001")).online).toBe(false));
    const { command_id } = await operator.give("0001", { action: "RESTART", payload: {} });
    const second = await openSolMate(server.wsUrl);
    await ask(second, update("0001", { battery: 50 }));
    clock.advance(5_000);
    const rejected = await operator.reaches("0001", command_id, "rejected");
    expect(rejected.history.at(-1)?.cause).toContain("has not announced RESTART");
    expect(second.received).toHaveLength(1);
  });

  test("what a device has not announced is refused, and nothing is sent", async () => {
    const server = await startServer({ settings: openDoors });
    const operator = callerOf(server, "operator");
    const plain = await openSolMate(server.wsUrl);
    await ask(plain, update("0001", { battery: 50 }));
    for (const order of [
      { action: "SET_MODE", payload: { target_mode: "AUTO" } },
      { action: "RESTART", payload: {} },
      { action: "SET_PARAMETER", payload: { name: "power_inject", value: 1 } },
    ]) {
      expect(await operator.post("/devices/0001/commands", order)).toMatchObject({ status: 422 });
    }
    await ask(plain, announce);
    const tooMuch = { action: "SET_PARAMETER", payload: { name: "power_inject", value: 900 } };
    expect(await operator.post("/devices/0001/commands", tooMuch)).toMatchObject({ status: 422 });
    expect(plain.received.every((frame) => frame.startsWith('{"type": "INFO"'))).toBe(true);
  });

  test("an announcement that makes no sense is refused, with the reason on the device's page", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const odd = { type: "CMND", message: '0002:0001:{"parameters": [{"name": "x", "type": "colour"}]}' };
    expect(await ask(solMate, odd)).toBe(said("0002:0001", "ERROR"));
    expect((await deviceDetail(server, "0001")).last_refusal).toMatchObject({
      code: "invalid_smart_os",
      message: expect.stringContaining("parameters"),
    });
  });
});
