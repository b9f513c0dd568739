import { type CommandBody, isRefusal, type Problem } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { callerOf, callerWith } from "../../support/commands.ts";
import { eventually } from "../../support/eventually.ts";
import { runJson, startServe } from "../../support/run-cli.ts";
import { openDashboard, openDevice, openSocket, type TestSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const setMode = { action: "SET_MODE", payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500 } } as const;
const resetError = { action: "RESET_ERROR", payload: {} } as const;
const manual = { system_status: { state: "DISCHARGING", mode: "MANUAL" }, battery: { power: -498 } } as const;

async function start(options: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer(options);
  const token = server.addDevice("ems_001");
  return { server, token, operator: callerOf(server, "operator") };
}

/** A device that speaks the subprotocol; the welcome has come. */
async function openSpeaker(server: TestServer, token: string, deviceId = "ems_001"): Promise<TestSocket> {
  const socket = await openSocket(`${server.wsUrl}/ws/device/${deviceId}`, {
    headers: { authorization: `Bearer ${token}` },
    protocols: ["wattboard.v1"],
  });
  await socket.receive(1);
  return socket;
}

const hello = {
  type: "hello",
  commands: {
    SET_MODE: { target_modes: ["AUTO", "MANUAL_DISCHARGE"], target_power: { MANUAL_DISCHARGE: { maximum: 800 } } },
    RESTART: {},
  },
  parameters: [
    { name: "reserve_soc", type: "integer", unit: "%", minimum: 5, maximum: 50 },
    { name: "profile", type: "text", choices: ["eco", "comfort"], point: "settings.profile" },
  ],
};

function parsed(socket: TestSocket): Record<string, unknown>[] {
  return socket.received.map((text) => JSON.parse(text));
}

describe("a plain device", () => {
  test("gets the very frames of the EMS communication interface, and nothing else", async () => {
    const { server, token, operator } = await start();
    const device = await openDevice(server.wsUrl, "ems_001", token);
    const given = await operator.give("ems_001", { ...setMode, command_id: "cmd_8293" });
    await operator.give("ems_001", { ...resetError, command_id: "cmd_8294" });
    await device.receive(2);
    expect(device.received).toEqual([
      '{"command_id":"cmd_8293","action":"SET_MODE","payload":{"target_mode":"MANUAL_DISCHARGE","target_power":500}}',
      '{"command_id":"cmd_8294","action":"RESET_ERROR","payload":{}}',
    ]);
    expect(given).toMatchObject({ command_id: "cmd_8293", status: "sent", requested_by: "token operator" });
  });

  test("that never answers closes its command by what its telemetry shows", async () => {
    const { server, token, operator } = await start();
    const device = await openDevice(server.wsUrl, "ems_001", token);
    const mode = await operator.give("ems_001", setMode);
    const reset = await operator.give("ems_001", resetError);
    await device.receive(2);
    device.send(sampleOf("ems_001", { system_status: { state: "ERROR", mode: "MANUAL", error_flags: ["OVERHEAT"] } }));
    device.send(
      sampleOf("ems_001", { system_status: { state: "DISCHARGING", mode: "MANUAL" }, battery: { power: -200 } }),
    );
    const shown = await operator.reaches("ems_001", reset.command_id, "applied");
    expect(shown.history.map(({ status }) => status)).toEqual(["queued", "sent", "applied"]);
    expect((await operator.show("ems_001", mode.command_id)).status).toBe("sent");
    device.send(sampleOf("ems_001", manual));
    const applied = await operator.reaches("ems_001", mode.command_id, "applied");
    expect(applied.history.at(-1)?.cause).toContain("battery.power is -498 W");
  });

  test.each([
    ["MANUAL_CHARGE", 1000, { state: "CHARGING", mode: "MANUAL" }, { power: 960 }, true],
    ["MANUAL_CHARGE", 1000, { state: "CHARGING", mode: "MANUAL" }, { power: 900 }, false],
    ["MANUAL_CHARGE", 1000, { state: "FULL", mode: "MANUAL" }, { power: 0 }, true],
    ["MANUAL_CHARGE", undefined, { state: "CHARGING", mode: "MANUAL" }, { soc: 50 }, true],
    ["MANUAL_CHARGE", 1000, { state: "CHARGING", mode: "MANUAL" }, { soc: 50 }, false],
    ["MANUAL_CHARGE", 1000, { state: "CHARGING", mode: "AUTO" }, { power: 1000 }, false],
    [
      "MANUAL_DISCHARGE",
      1000,
      { mode: "MANUAL", target_mode: "MANUAL_DISCHARGE", target_power: 1000 },
      { power: 0 },
      true,
    ],
    ["MANUAL_DISCHARGE", 1000, { mode: "MANUAL", target_mode: "MANUAL_IDLE" }, { power: -1000 }, false],
    ["MANUAL_IDLE", undefined, { state: "IDLE", mode: "MANUAL" }, { power: 3 }, true],
    ["MANUAL_IDLE", undefined, { state: "CHARGING", mode: "MANUAL" }, { power: 300 }, false],
    ["AUTO", undefined, { state: "CHARGING", mode: "AUTO" }, { power: 300 }, true],
  ] as const)(
    "%s %s W with %j and %j: applied %s",
    async (target_mode, target_power, system_status, battery, isApplied) => {
      const { server, token, operator } = await start();
      const device = await openDevice(server.wsUrl, "ems_001", token);
      const payload = { target_mode, ...(target_power !== undefined && { target_power }) };
      const { command_id } = await operator.give("ems_001", { action: "SET_MODE", payload });
      const after = await operator.give("ems_001", resetError);
      await device.receive(2);
      device.send(sampleOf("ems_001", { system_status: { error_flags: [], ...system_status }, battery }));
      await operator.reaches("ems_001", after.command_id, "applied");
      expect((await operator.show("ems_001", command_id)).status).toBe(isApplied ? "applied" : "sent");
    },
  );

  test("can be told neither to restart, nor a parameter, nor a lease: it has not said that it knows them", async () => {
    const { operator } = await start();
    for (const body of [
      { action: "RESTART", payload: {} },
      { action: "SET_PARAMETER", payload: { name: "reserve_soc", value: 20 } },
      { action: "SET_MODE", payload: { target_mode: "MANUAL_IDLE", lease_ms: 60_000 } },
    ]) {
      const { status, body: problem } = await operator.post<Problem>("/devices/ems_001/commands", body);
      expect([status, problem.code]).toEqual([422, "unsupported_command"]);
      expect(problem.detail).toContain("announced");
    }
  });
});

describe("a device that speaks wattboard.v1", () => {
  test("is welcomed, says what it knows, gets its commands after that, and answers", async () => {
    const { server, token, operator } = await start();
    const { command_id } = await operator.give("ems_001", setMode);
    const device = await openSpeaker(server, token);
    expect(parsed(device)[0]).toMatchObject({ type: "welcome", epoch: expect.any(Number) });
    device.send(hello);
    await device.receive(3);
    const [, deadline, command] = parsed(device);
    const queued = await operator.show("ems_001", command_id);
    expect(deadline).toEqual({ type: "deadline", command_id, expires_at: queued.expires_at });
    expect(command).toEqual({ command_id, ...setMode });
    device.send({ type: "command_result", command_id, status: "accepted" });
    device.send({ type: "command_result", command_id, status: "applied" });
    const claimed = await operator.reaches("ems_001", command_id, "accepted");
    expect(claimed.history.map(({ status }) => status)).toEqual(["queued", "sent", "accepted"]);
    device.send(sampleOf("ems_001", manual));
    await operator.reaches("ems_001", command_id, "applied");
    expect((await operator.list("ems_001")).announced).toMatchObject({ commands: hello.commands });
  });

  test.each(["rejected", "failed"] as const)("that says %s ends the command with its reason", async (status) => {
    const { server, token, operator } = await start();
    const device = await openSpeaker(server, token);
    device.send(hello);
    const { command_id } = await operator.give("ems_001", setMode);
    await device.receive(3);
    device.send({ type: "command_result", command_id, status, reason: "the inverter is off" });
    const ended = await operator.reaches("ems_001", command_id, status);
    expect(ended.history.at(-1)?.cause).toBe("the inverter is off");
  });

  test("is not told what is out of the ranges that it announced, and the answer says what is allowed", async () => {
    const { server, token, operator } = await start();
    const device = await openSpeaker(server, token);
    device.send(hello);
    await eventually(async () => expect((await operator.list("ems_001")).announced).not.toBeNull());
    const cases: [object, string][] = [
      [{ action: "SET_MODE", payload: { target_mode: "MANUAL_DISCHARGE", target_power: 801 } }, "at most 800 W"],
      [{ action: "SET_MODE", payload: { target_mode: "MANUAL_CHARGE" } }, "AUTO, MANUAL_DISCHARGE"],
      [{ action: "SET_MODE", payload: { target_mode: "MANUAL_DISCHARGE", lease_ms: 60_000 } }, "leases"],
      [{ action: "RESET_ERROR", payload: {} }, "RESET_ERROR"],
      [{ action: "SET_PARAMETER", payload: { name: "reserve_soc", value: 51 } }, "5 to 50 %"],
      [{ action: "SET_PARAMETER", payload: { name: "reserve_soc", value: 20.5 } }, "a whole number"],
      [{ action: "SET_PARAMETER", payload: { name: "reserve_soc", value: "20" } }, "a whole number"],
      [{ action: "SET_PARAMETER", payload: { name: "profile", value: "boost" } }, "eco, comfort"],
      [{ action: "SET_PARAMETER", payload: { name: "nothing", value: 1 } }, "reserve_soc, profile"],
    ];
    for (const [body, words] of cases) {
      const { status, body: problem } = await operator.post<Problem>("/devices/ems_001/commands", body);
      expect([status, problem.code]).toEqual([422, "unsupported_command"]);
      expect(problem.detail).toContain(words);
    }
    expect((await operator.list("ems_001")).commands).toEqual([]);
  });

  test("shows a parameter by the point that it announced, and a restart by its uptime", async () => {
    const { server, token, operator } = await start();
    const device = await openSpeaker(server, token);
    device.send(hello);
    await eventually(async () => expect((await operator.list("ems_001")).announced).not.toBeNull());
    const parameter = await operator.give("ems_001", {
      action: "SET_PARAMETER",
      payload: { name: "profile", value: "eco" },
    });
    const restart = await operator.give("ems_001", { action: "RESTART", payload: {} });
    await device.receive(5);
    device.send(sampleOf("ems_001", { settings: { profile: "comfort" }, system_status: { uptime: 5_000 } }));
    device.send(sampleOf("ems_001", { settings: { profile: "eco" }, system_status: { uptime: 5_001 } }));
    await operator.reaches("ems_001", parameter.command_id, "applied");
    expect((await operator.show("ems_001", restart.command_id)).status).toBe("sent");
    device.webSocket.terminate();
    const restarted = await openSpeaker(server, token);
    restarted.send(hello);
    restarted.send(sampleOf("ems_001", { system_status: { uptime: 0 } }));
    await operator.reaches("ems_001", restart.command_id, "applied");
    // It is not sent a second time: a device without a memory would restart for ever.
    expect(parsed(restarted).filter((each) => each.action === "RESTART")).toEqual([]);
  });

  test("may send telemetry with a point called type; what is neither is dropped, counted and told, and the link lives", async () => {
    const { server, token, operator } = await start();
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const device = await openSpeaker(server, token);
    device.send({ type: "hello", commands: { SET_MODE: { target_modes: ["NONSENSE"] } } });
    device.send({ type: "something new" });
    device.send({ type: "command_result", command_id: "never given", status: "applied" });
    device.send(sampleOf("ems_001", { type: "hybrid" }));
    await dashboard.receive(1);
    const detail = await operator.get<{ dropped: object; accepted: number }>("/devices/ems_001");
    expect(detail).toMatchObject({ accepted: 1, dropped: { invalid_frame: 2 } });
  });
});

describe("a command that waits", () => {
  test("goes out when its device comes, and never after its time to live", async () => {
    const clock = new ManualClock();
    const { server, token, operator } = await start({ clock });
    const late = await operator.give("ems_001", { ...setMode, ttl_ms: 5_000 });
    const patient = await operator.give("ems_001", { ...resetError, ttl_ms: 86_400_000 });
    expect([late.status, patient.status]).toEqual(["queued", "queued"]);
    clock.advance(5_000);
    const expired = await operator.reaches("ems_001", late.command_id, "expired");
    expect(expired.history.map(({ status }) => status)).toEqual(["queued", "expired"]);
    const device = await openDevice(server.wsUrl, "ems_001", token);
    await device.receive(1);
    expect(parsed(device)).toEqual([{ command_id: patient.command_id, ...resetError }]);
  });

  test("gives way to a later SET_MODE, and other commands keep their order", async () => {
    const { server, token, operator } = await start();
    const first = await operator.give("ems_001", setMode);
    const reset = await operator.give("ems_001", resetError);
    const second = await operator.give("ems_001", { action: "SET_MODE", payload: { target_mode: "AUTO" } });
    const ended = await operator.reaches("ems_001", first.command_id, "superseded");
    expect(ended.history.at(-1)?.cause).toContain(second.command_id);
    const device = await openDevice(server.wsUrl, "ems_001", token);
    await device.receive(2);
    expect(parsed(device).map(({ command_id }) => command_id)).toEqual([reset.command_id, second.command_id]);
  });

  test("does not reach a new device of the same id", async () => {
    const { server, operator } = await start();
    const admin = callerOf(server, "admin");
    const { command_id } = await operator.give("ems_001", resetError);
    const remove = await fetch(`${server.url}/api/v1/devices/ems_001`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${admin.token}` },
    });
    expect(remove.status).toBe(200);
    // One that is to have the history of the other, so that what became of the command can be seen.
    const added = server.devices.add({ deviceId: "ems_001", keepHistory: true });
    if (isRefusal(added)) throw new Error(added.message);
    const device = await openDevice(server.wsUrl, "ems_001", added.token);
    const ended = await operator.reaches("ems_001", command_id, "failed");
    expect(ended.history.at(-1)?.cause).toContain("removed");
    expect(device.received).toEqual([]);
  });

  test("is refused from the 17th on, with when to come back", async () => {
    const { operator } = await start();
    for (let count = 0; count < 16; count++) await operator.give("ems_001", resetError);
    const { status, headers, body } = await operator.post<Problem>("/devices/ems_001/commands", resetError);
    expect([status, body.code]).toEqual([429, "too_many_commands"]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("a command that was sent", () => {
  test("is unconfirmed where nothing shows it in time, also where the device says that it is done", async () => {
    const clock = new ManualClock();
    const { server, token, operator } = await start({ clock });
    const device = await openSpeaker(server, token);
    device.send({ type: "hello", commands: { SET_MODE: {}, RESET_ERROR: {} } });
    const silent = await operator.give("ems_001", resetError);
    const claimed = await operator.give("ems_001", setMode);
    await device.receive(5);
    device.send({ type: "command_result", command_id: claimed.command_id, status: "applied" });
    await operator.reaches("ems_001", claimed.command_id, "accepted");
    clock.advance(31_000);
    const [one, other] = [
      await operator.reaches("ems_001", silent.command_id, "unconfirmed"),
      await operator.reaches("ems_001", claimed.command_id, "unconfirmed"),
    ];
    expect(one.history.at(-1)?.cause).toContain("did not answer");
    expect(other.history.at(-1)?.cause).toContain("says that it is done");
  });

  test("is sent again on the next link until the device answers, and what the old link says of it counts no more", async () => {
    const { server, token, operator } = await start();
    const old = await openSpeaker(server, token);
    old.send(hello);
    const { command_id } = await operator.give("ems_001", setMode);
    await old.receive(3);
    // A takeover in mid-command.
    const next = await openSpeaker(server, token);
    next.send(hello);
    await next.receive(3);
    expect(parsed(next)[2]).toEqual({ command_id, ...setMode });
    next.send({ type: "command_result", command_id, status: "accepted" });
    const accepted = await operator.reaches("ems_001", command_id, "accepted");
    expect(accepted.history.map(({ status }) => status)).toEqual(["queued", "sent", "sent", "accepted"]);
    next.webSocket.terminate();
    const third = await openSpeaker(server, token);
    third.send(hello);
    third.send(sampleOf("ems_001", manual));
    await operator.reaches("ems_001", command_id, "applied");
    // It had answered: there was no reason to send it once more.
    expect(third.received).toHaveLength(1);
  });
});

test("the same command_id and body give the same command, however often and at once; another body 409", async () => {
  const { server, token, operator } = await start();
  const device = await openDevice(server.wsUrl, "ems_001", token);
  const body = { ...setMode, command_id: "cmd_1" };
  const answers = await Promise.all(Array.from({ length: 10 }, () => operator.post("/devices/ems_001/commands", body)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  await device.receive(1);
  device.send(sampleOf("ems_001", manual));
  await operator.reaches("ems_001", "cmd_1", "applied");
  // Long ended, it is still the same.
  const again = await operator.post("/devices/ems_001/commands", body);
  expect([again.status, again.body.status]).toEqual([202, "applied"]);
  const other = await operator.post<Problem>("/devices/ems_001/commands", { ...resetError, command_id: "cmd_1" });
  expect([other.status, other.body.code]).toEqual([409, "command_exists"]);
  expect(device.received).toHaveLength(1);
  expect((await operator.list("ems_001")).commands).toHaveLength(1);
});

describe("across a restart of the server", () => {
  test.each(["queued", "sent", "accepted"] as const)("a command that was %s goes on where it was", async (step) => {
    const { server, token, operator } = await start();
    const before = step === "queued" ? null : await openSpeaker(server, token);
    before?.send(hello);
    const { command_id } = await operator.give("ems_001", { ...setMode, ttl_ms: 600_000 });
    await before?.receive(3);
    if (step === "accepted") before?.send({ type: "command_result", command_id, status: "accepted" });
    await operator.reaches("ems_001", command_id, step);
    await server.stop();

    const next = await startServer({ dataDir: server.dataDir });
    const caller = callerWith(next, operator.token);
    expect((await caller.show("ems_001", command_id)).status).toBe(step);
    expect((await caller.list("ems_001")).announced === null).toBe(step === "queued");
    const device = await openSpeaker(next, token);
    device.send(hello);
    if (step !== "accepted") {
      await device.receive(3);
      expect(parsed(device)[2]).toEqual({ command_id, ...setMode });
    }
    device.send(sampleOf("ems_001", manual));
    await caller.reaches("ems_001", command_id, "applied");
    expect(device.received).toHaveLength(step === "accepted" ? 1 : 3);
  });

  test("that was killed, too: what was answered with 202 is there", async () => {
    const first = await startServe();
    const token = await first.addDevice("ems_001");
    const at = ["--data-dir", first.dataDir];
    const { token: api } = await runJson<{ token: string }>(["api-token", "add", "op", "--role", "operator", ...at]);
    const given = await callerWith(first, api).give("ems_001", { ...setMode, ttl_ms: 600_000 });
    first.process.signal("SIGKILL");
    await first.process.exit();
    const second = await startServe({ dataDir: first.dataDir });
    const device = await openDevice(second.wsUrl, "ems_001", token);
    await device.receive(1);
    expect(parsed(device)[0]).toMatchObject({ command_id: given.command_id });
    const log = second.logs().filter(({ msg }) => msg === "command given");
    expect(log).toEqual([]);
    expect(first.logs().find(({ msg }) => msg === "command given")).toMatchObject({
      by: "token op",
      device_id: "ems_001",
    });
  });
});

test("a dashboard that speaks wattboard.v1 is told each step; a plain one gets samples alone", async () => {
  const { server, token, operator } = await start();
  const device = await openDevice(server.wsUrl, "ems_001", token);
  const plain = await openDashboard(server.wsUrl, "ems_001");
  const told = await openSocket(`${server.wsUrl}/ws/dashboard/ems_001`, { protocols: ["wattboard.v1"] });
  const { command_id } = await operator.give("ems_001", setMode);
  await device.receive(1);
  const message = JSON.stringify(sampleOf("ems_001", manual));
  device.send(message);
  await told.receive(5);
  const [welcome, ...frames] = parsed(told);
  expect(welcome).toMatchObject({ type: "welcome", recovered: false, online: true });
  const steps = frames.map(({ type, command }) => (type === "command" ? (command as CommandBody).status : "a sample"));
  expect(steps).toEqual(["queued", "sent", "a sample", "applied"]);
  expect(frames[0]?.command).toMatchObject({ command_id, requested_by: null });
  const first = Number(welcome?.offset) + 1;
  expect(frames.map(({ offset }) => offset)).toEqual([first, first + 1, first + 2, first + 3]);
  expect(plain.received).toEqual([message]);
});
