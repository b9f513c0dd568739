import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@wattboard/device";
import type { Telemetry } from "@wattboard/protocol";
import { telemetryValidator } from "@wattboard/protocol/validate";
import { eventually } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type FleetSettings, SimulatedFleet } from "./fleet.ts";
import type { FleetStatus } from "./fleet-status.ts";
import { planFleet } from "./plan-fleet.ts";
import { runFleet } from "./run-fleet.ts";

interface Link {
  readonly deviceId: string;
  readonly authorization: string | undefined;
  readonly socket: WebSocket;
  readonly messages: Telemetry[];
  /** What has a type: the hello, and results. */
  readonly frames: Record<string, unknown>[];
  open: boolean;
}

/** A server on a free port that keeps all it hears; with `status`, it refuses every handshake with that. */
async function startServer(status?: number) {
  const links: Link[] = [];
  const http = createServer();
  const webSockets = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, stream, head) => {
    if (status !== undefined) {
      stream.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    webSockets.handleUpgrade(request, stream, head, (socket) => {
      const deviceId = request.url?.split("/").at(-1) ?? "";
      const link: Link = {
        deviceId,
        authorization: request.headers.authorization,
        socket,
        messages: [],
        frames: [],
        open: true,
      };
      links.push(link);
      socket.on("message", (data) => {
        const message = JSON.parse(String(data));
        if ("type" in message) link.frames.push(message);
        else link.messages.push(message);
      });
      socket.on("close", () => {
        link.open = false;
      });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    webSockets.close();
    http.closeAllConnections();
    http.close();
  });
  return { links, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

function settings(url: string, devices: number, more: Partial<FleetSettings> = {}): FleetSettings {
  const fleet = planFleet({ devices, seed: 1 }).map((device) => ({ device, token: `token of ${device.deviceId}` }));
  return { url, fleet, rateHz: 20, speed: 1, seed: 1, ...more };
}

/** On this clock a second passes in 20 ms: a status need not be waited for. */
const fastClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now() * 50,
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** Runs a fleet until the test ends, or until `stop`. */
function start(fleetSettings: FleetSettings, clock?: Clock) {
  const abort = new AbortController();
  const statuses: FleetStatus[] = [];
  const ended = runFleet({
    ...fleetSettings,
    signal: abort.signal,
    onStatus: (status) => statuses.push(status),
    ...(clock !== undefined && { clock }),
  });
  const stop = async () => {
    abort.abort();
    await ended;
  };
  onTestFinished(stop);
  return { statuses, stop };
}

describe("runFleet", () => {
  test("connects every device with its token and sends valid telemetry of the present", async () => {
    const server = await startServer();
    start(settings(server.url, 12));
    await eventually(() => {
      expect(server.links.length).toBe(12);
      for (const link of server.links) expect(link.messages.length).toBeGreaterThan(3);
    });
    for (const { deviceId, authorization, messages } of server.links) {
      expect(authorization).toBe(`Bearer token of ${deviceId}`);
      for (const message of messages) {
        expect(telemetryValidator.check(message)).toBe(true);
        expect(message.device_id).toBe(deviceId);
        expect(Math.abs(Date.parse(message.timestamp) - Date.now())).toBeLessThan(10_000);
      }
    }
  });

  test("carries out commands, which the next messages show", async () => {
    const server = await startServer();
    const { statuses } = start(settings(server.url, 2), fastClock);
    await eventually(() => expect(server.links.length).toBe(2));
    const [told, other] = server.links;
    const payload = { target_mode: "MANUAL_IDLE" };
    told?.socket.send(JSON.stringify({ command_id: "cmd_1", action: "SET_MODE", payload }));
    await eventually(() => expect(told?.messages.at(-1)?.system_status?.mode).toBe("MANUAL"));
    await eventually(() => expect(other?.messages.at(-1)?.system_status?.mode).toBe("AUTO"));
    await eventually(() => expect(statuses.at(-1)?.commandsReceived).toBe(1));
  });

  test("lets the physics run faster than the timestamps", async () => {
    const server = await startServer();
    start(settings(server.url, 1, { speed: 3_600 }));
    await eventually(() => expect(server.links[0]?.messages.length).toBeGreaterThan(20));
    const messages = (server.links[0]?.messages ?? []) as (Telemetry & { simulation: { time: string } })[];
    const [first, last] = [messages[0], messages.at(-1)];
    const wallMs = Date.parse(last?.timestamp ?? "") - Date.parse(first?.timestamp ?? "");
    const physicsMs = Date.parse(last?.simulation.time ?? "") - Date.parse(first?.simulation.time ?? "");
    // 20 Hz and 3,600 times: three minutes of physics a message, more where this machine was too slow for one.
    expect(physicsMs % 180_000).toBe(0);
    expect(physicsMs).toBeGreaterThanOrEqual((messages.length - 1) * 180_000);
    expect(physicsMs).toBeGreaterThan(500 * wallMs);
  });

  test("tells its status about once a second, and a last time at the end", async () => {
    const server = await startServer();
    const { statuses, stop } = start(settings(server.url, 4, { rateHz: 1 }), fastClock);
    await eventually(() => expect(statuses.at(-1)?.sentTotal).toBeGreaterThan(20));
    expect(statuses.at(-1)).toMatchObject({ devices: 4, connected: 4, refused: 0, trouble: null });
    // How many is the machine's business: on this clock a second passes in 10 ms.
    expect(statuses.at(-1)?.sentPerSecond).toBeGreaterThan(0);
    const before = statuses.length;
    await stop();
    expect(statuses.length).toBe(before + 1);
  });

  test("ends with every link closed when it is aborted", async () => {
    const server = await startServer();
    const { stop } = start(settings(server.url, 8));
    await eventually(() => expect(server.links.length).toBe(8));
    await stop();
    await eventually(() => expect(server.links.every(({ open }) => !open)).toBe(true));
  });

  test("counts refusals and says why", async () => {
    const server = await startServer(403);
    const { statuses } = start(settings(server.url, 3), fastClock);
    await eventually(() => expect(statuses.at(-1)?.refused).toBeGreaterThanOrEqual(3));
    expect(statuses.at(-1)?.connected).toBe(0);
    expect(statuses.at(-1)?.trouble).toEqual(expect.any(String));
  });

  test("rejects where the address is none", async () => {
    await expect(
      runFleet({ ...settings("not an address", 1), signal: AbortSignal.timeout(5_000) }),
    ).rejects.toMatchObject({ code: "device_configuration" });
  });

  test("does nothing when it was aborted before", async () => {
    await runFleet({ ...settings("http://127.0.0.1:1", 3), signal: AbortSignal.abort() });
  });
});

describe("Fleet", () => {
  function onManualClock(fleetSettings: FleetSettings) {
    let ms = 0;
    const fleet = new SimulatedFleet(fleetSettings, { ...fastClock, monotonicMs: () => ms });
    onTestFinished(() => fleet.stop());
    return {
      fleet,
      turnUntil(untilMs: number, stepMs = 20) {
        while (ms < untilMs) {
          ms += stepMs;
          fleet.turn();
        }
      },
    };
  }

  test("spreads its connects: 200 a second", async () => {
    const server = await startServer();
    const { turnUntil } = onManualClock(settings(server.url, 300));
    turnUntil(500);
    await eventually(() => expect(server.links.length).toBe(101));
    turnUntil(2_000);
    await eventually(() => expect(server.links.length).toBe(300));
  });

  test("does not make up for its connects at once after a stall", async () => {
    const server = await startServer();
    const { turnUntil } = onManualClock(settings(server.url, 300));
    turnUntil(1_000, 1_000);
    await eventually(() => expect(server.links.length).toBe(20));
    turnUntil(1_020);
    await eventually(() => expect(server.links.length).toBe(40));
  });

  test("spreads its messages over the period, one a device", async () => {
    const server = await startServer();
    const { fleet, turnUntil } = onManualClock(settings(server.url, 10, { rateHz: 1 }));
    turnUntil(100);
    await eventually(() => expect(fleet.status().connected).toBe(10));
    const sentBefore = fleet.status().sentTotal;
    for (let tenth = 1; tenth <= 10; tenth++) {
      turnUntil(100 + tenth * 100);
      expect(fleet.status().sentTotal - sentBefore).toBe(tenth);
    }
    await eventually(() => {
      const counts = server.links.map(({ messages }) => messages.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    });
  });

  test("sends at most one message a device after a stall, and counts the rest as missed", async () => {
    const server = await startServer();
    const { fleet, turnUntil } = onManualClock(settings(server.url, 5, { rateHz: 1 }));
    turnUntil(100);
    await eventually(() => expect(fleet.status().connected).toBe(5));
    const sentBefore = fleet.status().sentTotal;
    turnUntil(60_100, 60_000);
    expect(fleet.status().sentTotal - sentBefore).toBe(5);
    expect(fleet.status().missed).toBe(295);
  });
});

describe("a simulated box", () => {
  test("announces what it can be told, answers, and shows it; a restart ends its link and begins its uptime anew", async () => {
    const server = await startServer();
    start(settings(server.url, 1), fastClock);
    const status = (link: Link | undefined) =>
      link?.messages.at(-1)?.system_status as Record<string, unknown> | undefined;
    await eventually(() => expect(Number(status(server.links[0])?.uptime)).toBeGreaterThan(2));
    const [first] = server.links;
    expect(first?.frames[0]).toMatchObject({ type: "hello", commands: { SET_MODE: { leases: true }, RESTART: {} } });
    const send = (command: object) => first?.socket.send(JSON.stringify(command));
    send({ command_id: "cmd_1", action: "SET_PARAMETER", payload: { name: "reserve_soc", value: 30 } });
    send({ command_id: "cmd_2", action: "SET_MODE", payload: { target_mode: "MANUAL_IDLE" } });
    await eventually(() => {
      expect(first?.messages.at(-1)).toMatchObject({
        parameters: { reserve_soc: 30 },
        system_status: { target_mode: "MANUAL_IDLE", target_power: null },
      });
    });
    const beforeMs = fastClock.monotonicMs();
    send({ command_id: "cmd_3", action: "RESTART", payload: {} });
    await eventually(() => expect(first?.open).toBe(false));
    await eventually(() => {
      const uptimeMs = Number(status(server.links[1])?.uptime) * 1_000;
      expect(uptimeMs).toBeLessThanOrEqual(fastClock.monotonicMs() - beforeMs);
    });
    expect(first?.frames.filter(({ command_id }) => command_id === "cmd_3")).toMatchObject([
      { status: "accepted" },
      { status: "applied" },
    ]);
    // What was set by hand is gone, what was set for good is not; and the command is remembered.
    await eventually(() => {
      expect(server.links[1]?.messages.at(-1)).toMatchObject({
        parameters: { reserve_soc: 30 },
        system_status: { mode: "AUTO" },
      });
    });
    server.links[1]?.socket.send(JSON.stringify({ command_id: "cmd_3", action: "RESTART", payload: {} }));
    await eventually(() =>
      expect(server.links[1]?.frames.at(-1)).toMatchObject({ command_id: "cmd_3", status: "applied" }),
    );
    expect(server.links).toHaveLength(2);
  });

  test("goes back to AUTO when the lease of its manual mode ends", async () => {
    const server = await startServer();
    start(settings(server.url, 1), fastClock);
    await eventually(() => expect(server.links[0]?.messages.length).toBeGreaterThan(0));
    const [link] = server.links;
    const payload = { target_mode: "MANUAL_IDLE", lease_ms: 1_000 };
    link?.socket.send(JSON.stringify({ command_id: "cmd_1", action: "SET_MODE", payload }));
    const modes = () => link?.messages.map(({ system_status }) => system_status?.mode) ?? [];
    await eventually(() => expect(modes()).toContain("MANUAL"));
    await eventually(() => expect(modes().at(-1)).toBe("AUTO"));
  });
});
