import { commandActions, type Problem } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { type Caller, callerOf, callerWith } from "../support/commands.ts";
import { openWitness } from "../support/healthy-device.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";

const path = "/devices/ems_001/commands";
const resetError = { action: "RESET_ERROR", payload: {} };

async function start(settings: Readonly<Record<string, string>> = {}) {
  const server = await startServer({ settings });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  return { server, device, operator: callerOf(server, "operator") };
}

describe("who may not give commands", () => {
  test("is refused everywhere, and the device gets nothing", async () => {
    const { server, device, operator } = await start();
    const viewer = callerOf(server, "viewer");
    const deviceToken = server.addDevice("ems_002");
    const callers: [Caller, number][] = [
      [viewer, 403],
      [callerWith(server, "wrong"), 401],
      [callerWith(server, deviceToken), 401],
    ];
    const fleet = { ...resetError, where: ["online = true"] };
    for (const [caller, status] of callers) {
      expect((await caller.post(path, resetError)).status).toBe(status);
      expect((await caller.post("/fleet-commands", fleet)).status).toBe(status);
      expect((await caller.post("/fleet-commands", { ...fleet, dry_run: true })).status).toBe(status);
      expect((await caller.post("/fleet-commands/fleet_1/abort", {})).status).toBe(status);
    }
    const anonymous = await fetch(`${server.url}/api/v1${path}`, { method: "POST" });
    expect(anonymous.status).toBe(401);
    expect((await operator.list("ems_001")).commands).toEqual([]);
    expect(device.received).toEqual([]);
    // To look is what a viewer may.
    expect((await viewer.list("ems_001")).commands).toEqual([]);
  });
});

describe("a body that is no command", () => {
  test.each<[string, unknown, number, string]>([
    ["an unknown action", { action: "EXPLODE", payload: {} }, 400, "SET_MODE, RESET_ERROR, SET_PARAMETER, RESTART"],
    ["no action", { payload: {} }, 400, "action"],
    ["no payload", { action: "RESET_ERROR" }, 400, "payload"],
    ["a list", [], 400, "object"],
    ["nothing", "null", 400, "object"],
    ["broken JSON", "{", 400, "JSON"],
    ["an unknown mode", { action: "SET_MODE", payload: { target_mode: "BOOST" } }, 400, "AUTO, MANUAL_CHARGE"],
    ["a power below nothing", { action: "SET_MODE", payload: { target_mode: "AUTO", target_power: -1 } }, 400, ">= 0"],
    [
      "a power without end",
      '{"action":"SET_MODE","payload":{"target_mode":"AUTO","target_power":1e999}}',
      400,
      "number",
    ],
    ["a misspelt field", { action: "SET_MODE", payload: { target_mode: "MANUAL_CHARGE", power: 5 } }, 400, "power"],
    ["a payload for nothing", { action: "RESET_ERROR", payload: { now: true } }, 400, "now"],
    ["a field too many", { ...resetError, urgent: true }, 400, "urgent"],
    ["an id with a blank", { ...resetError, command_id: "cmd 1" }, 400, "command_id"],
    ["an id that is too long", { ...resetError, command_id: "c".repeat(65) }, 400, "command_id"],
    ["more than a day to live", { ...resetError, ttl_ms: 86_400_001 }, 400, "ttl_ms"],
    ["no time to live", { ...resetError, ttl_ms: 0 }, 400, "ttl_ms"],
    [
      "a lease without end",
      { action: "SET_MODE", payload: { target_mode: "MANUAL_IDLE", lease_ms: 1e12 } },
      400,
      "lease_ms",
    ],
    [
      "power for AUTO",
      { action: "SET_MODE", payload: { target_mode: "AUTO", target_power: 5 } },
      422,
      "no target_power",
    ],
    ["1 MB", { ...resetError, command_id: "c".repeat(1_000_000) }, 413, "large"],
    ["a prototype", '{"action":"RESET_ERROR","payload":{"__proto__":{"a":1}}}', 400, ""],
  ])("%s is refused, and said why", async (_, body, status, words) => {
    const { device, operator } = await start();
    const answer = await operator.post<Problem>(path, body);
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringContaining(words)]);
    expect((await operator.list("ems_001")).commands).toEqual([]);
    expect(device.received).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ["no conditions", { ...resetError }, "where"],
    ["an empty list of conditions", { ...resetError, where: [] }, "where"],
    ["a condition without an operator", { ...resetError, where: ["battery.soc 80"] }, "battery.soc > 80"],
    ["an unknown name", { ...resetError, where: ["soc > 80"] }, "dry_run"],
    ["a comparison with a text", { ...resetError, where: ["battery.soc > high"] }, "dry_run"],
    ["a condition that is code", { ...resetError, where: ["1 = 1; DROP TABLE command"] }, "is not a condition"],
    ["conditions that nobody meets", { ...resetError, where: ["properties.region = XX"] }, "dry_run"],
  ])("a fleet command with %s is refused, and said why", async (_, body, words) => {
    const { operator } = await start();
    const answer = await operator.post<Problem>("/fleet-commands", body);
    expect([answer.status, answer.body.detail]).toEqual([400, expect.stringContaining(words)]);
  });

  test("a command for an unknown device is 404, whatever the body", async () => {
    const { operator } = await start();
    expect((await operator.post("/devices/nobody/commands", resetError)).status).toBe(404);
    expect((await operator.post("/devices/nobody/commands", {})).status).toBe(404);
    await expect(operator.list("nobody")).rejects.toThrow("404");
    await expect(operator.show("ems_001", "cmd_1")).rejects.toThrow("404");
  });
});

test("10,000 commands in a minute: what is above the rate gets 429 with Retry-After, and others are served meanwhile", async () => {
  const { server, operator } = await start({
    "commands.burst": "200",
    "commands.per_second": "20",
    "limits.messages_burst": "100000",
  });
  const witness = await openWitness(server);
  const counts = new Map<string, number>();
  let hasRetryAfter = true;
  let sent = 0;
  const flood = async (): Promise<void> => {
    while (sent < 10_000) {
      sent++;
      const { status, headers, body } = await operator.post<Problem>(path, resetError);
      const key = status === 202 ? "taken" : `${status} ${body.code}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (status === 429) hasRetryAfter &&= Number(headers.get("retry-after")) > 0;
    }
  };
  const watch = async (): Promise<void> => {
    while (sent < 10_000) await witness.isServed();
  };
  const startedAtMs = Date.now();
  await Promise.all([watch(), ...Array.from({ length: 16 }, flood)]);
  // What the device was sent and does not show ends after 30 s, and makes room for as many again.
  const rounds = 1 + Math.floor((Date.now() - startedAtMs) / commandActions.RESET_ERROR.shownWithinMs);
  expect(hasRetryAfter).toBe(true);
  expect([...counts.keys()].sort()).toEqual(["429 too_many_commands", "429 too_many_requests", "taken"]);
  expect(counts.get("taken")).toBeGreaterThanOrEqual(16);
  expect(counts.get("taken")).toBeLessThanOrEqual(16 * rounds);
  await witness.isServed();
  // Another person's commands are not held up by it.
  const other = callerOf(server, "operator", "another");
  expect((await other.post("/devices/witness/commands", resetError)).status).toBe(202);
});
