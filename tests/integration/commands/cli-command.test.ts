import type { CommandBody, FleetCommandBody } from "@wattboard/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { makeFolder, runCli, runJson, type ServeProcess, startServe, untilFileEnds } from "../../support/run-cli.ts";
import { openDevice, type TestSocket } from "../../support/sockets.ts";
import { sampleOf } from "../../support/telemetry.ts";

const until = untilFileEnds();
let server: ServeProcess;
let deviceToken: string;
let at: string[];

beforeAll(async () => {
  server = await startServe({ until });
  at = ["--data-dir", server.dataDir];
  deviceToken = (await runJson<{ token: string }>(["device", "add", "--create-folder", "ems_001", ...at], { until }))
    .token;
});

/** A plain device that does what it is told, and shows it. */
async function openObedient(): Promise<TestSocket> {
  const device = await openDevice(server.wsUrl, "ems_001", deviceToken);
  device.webSocket.on("message", () =>
    device.send(
      sampleOf("ems_001", {
        system_status: { state: "DISCHARGING", mode: "MANUAL", error_flags: [] },
        battery: { power: -500, soc: 60 },
      }),
    ),
  );
  return device;
}

const discharge = ["SET_MODE", "--target", "MANUAL_DISCHARGE", "--power", "500"];

describe("wattboard command", () => {
  test("send --wait shows each step and ends well when the telemetry shows it", async () => {
    const device = await openObedient();
    const { code, stdout } = await runCli(["command", "send", "ems_001", ...discharge, "--wait", ...at]);
    expect(code).toBe(0);
    const statuses = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/ +/)[1]);
    expect(statuses).toEqual(["queued", "sent", "applied"]);
    expect(stdout).toContain("battery.power is -500 W");
    const given = JSON.parse(device.received[0] ?? "");
    const shown = await runCli(["command", "show", "ems_001", given.command_id, ...at]);
    expect(shown.stdout).toContain("SET_MODE target_mode=MANUAL_DISCHARGE target_power=500");
    const listed = await runJson<CommandBody[]>(["command", "list", "ems_001", ...at]);
    expect(listed[0]).toMatchObject({ command_id: given.command_id, status: "applied", requested_by: "local" });
    device.webSocket.terminate();
  });

  test("send without --wait answers at once; with it, exit code 1 says that it did not take effect, and why", async () => {
    const queued = await runCli(["command", "send", "ems_001", "RESET_ERROR", "--command-id", "cmd_1", ...at]);
    expect([queued.code, queued.stdout]).toEqual([0, expect.stringContaining("cmd_1 is queued")]);
    const late = await runCli(["command", "send", "ems_001", ...discharge, "--ttl", "1s", "--wait", ...at]);
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining("is expired: Its time to live was over")]);
  });

  test.each<[string, string[], number, string]>([
    ["an unknown action", ["EXPLODE"], 2, "SET_MODE, RESET_ERROR, SET_PARAMETER, RESTART"],
    ["an unknown mode", ["SET_MODE", "--target", "BOOST"], 2, "MANUAL_IDLE"],
    ["no target", ["SET_MODE"], 2, "SET_MODE needs --target."],
    ["options of another action", ["RESET_ERROR", "--power", "5"], 2, "go with SET_MODE"],
    ["a power that is none", ["SET_MODE", "--target", "AUTO", "--power", "much"], 2, "must be a number"],
    ["a time to live that is too long", ["RESET_ERROR", "--ttl", "2d"], 2, "ttl_ms"],
    ["a parameter that the device does not have", ["SET_PARAMETER", "--name", "x", "--value", "1"], 1, "no parameters"],
  ])("send with %s says what to mend", async (_, args, code, words) => {
    const answer = await runCli(["command", "send", "ems_001", ...args, ...at]);
    expect([answer.code, answer.stderr]).toEqual([code, expect.stringContaining(words)]);
  });

  test("without a running server says how to start one", async () => {
    const folder = makeFolder();
    const { code, stderr } = await runCli(["command", "send", "ems_001", "RESET_ERROR", "--data-dir", folder]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`wattboard serve --data-dir ${folder}`)]);
  });

  test("reaches a server elsewhere with an operator's token, and says so where a viewer's is not enough", async () => {
    for (const [role, code] of [
      ["operator", 0],
      ["viewer", 1],
    ] as const) {
      const { token } = await runJson<{ token: string }>([
        "api-token",
        "add",
        "--create-folder",
        role,
        "--role",
        role,
        ...at,
      ]);
      const env = { WATTBOARD_TOKEN: token };
      const answer = await runCli(["command", "send", "ems_001", "RESET_ERROR", "--url", server.url], { env });
      expect([answer.code, answer.stderr]).toEqual([code, code === 0 ? "" : expect.stringContaining("operator")]);
    }
  });

  test("fleet: a dry run tells who it would be, the real one tells how it went, and the records can be read", async () => {
    const device = await openObedient();
    const where = ["--where", "online = true", "--where", "id = ems_001"];
    const dry = await runCli(["command", "fleet", ...discharge, ...where, "--dry-run", ...at]);
    expect(dry.stdout).toContain("1 device matches");
    expect(dry.stdout).toContain("  ems_001");
    expect(device.received.filter((text) => text.includes("fleet_"))).toEqual([]);
    const done = await runJson<FleetCommandBody>([
      "command",
      "fleet",
      ...discharge,
      ...where,
      "--settle",
      "0s",
      "--wait",
      ...at,
    ]);
    expect(done).toMatchObject({ status: "done", counts: { applied: 1 } });
    const shown = await runCli(["command", "fleet-show", done.fleet_command_id, ...at]);
    expect(shown.stdout).toMatch(/ems_001 +canary +applied/);
    const abort = await runCli(["command", "fleet-abort", done.fleet_command_id, ...at]);
    expect([abort.code, abort.stderr]).toEqual([1, expect.stringContaining("has ended")]);
    expect((await runCli(["command", "fleet-list", ...at])).stdout).toContain(done.fleet_command_id);
  });
});
