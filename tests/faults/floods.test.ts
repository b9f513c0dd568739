import { disconnects, limits } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { deviceDetail, events, metric } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { openWitness } from "../support/healthy-device.ts";
import { clientFrame, handshakeRequest, opcodes, openRawDevice, RawSocket } from "../support/raw-socket.ts";
import { startServe } from "../support/run-cli.ts";
import { openDoors, openSolMate, openWebClient } from "../support/smart-os.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/**
 * Method: somebody sends without end, and a healthy device with its dashboard stands beside them. What a flood may cost is counted in frames that
 * are read, or told as a ratio to the same round trip without the flood.
 */

/** No ping of the server's gets in the way while the clock is moved by hand. */
const quiet = { "heartbeat.ping_ms": "86400000" } as const;

const tiny = (count: number, opcode: number = opcodes.text): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => clientFrame("x", { opcode })));

test("what devices sent at their rate while the server stood still is taken, by both dialects, and more than that is not", async () => {
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock, settings: { ...openDoors, "limits.messages_burst": "10" } });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const solMate = await openSolMate(server.wsUrl);
  const good = { type: "UPDT", message: `0001:s1:{"battery":50}` };
  solMate.send(good);
  await eventually(async () => expect((await deviceDetail(server, "s1")).accepted).toBe(1));
  // No timer tells of it before the sockets are read.
  clock.stall(10_000);
  for (let sent = 0; sent < 600; sent++) {
    device.send(sampleOf("ems_001"));
    solMate.send(good);
  }
  for (const deviceId of ["ems_001", "s1"]) {
    await eventually(async () => {
      const { accepted, dropped } = await deviceDetail(server, deviceId);
      const before = deviceId === "s1" ? 1 : 0;
      expect(accepted + (dropped.rate_limited ?? 0)).toBe(600 + before);
      // 10 at once and 50 a second for 10 s, less what a timer may be late anyway.
      expect(accepted).toBeGreaterThanOrEqual(500);
      expect(accepted).toBeLessThanOrEqual(510 + before);
    });
  }
});

describe("a viewer that sends without end", () => {
  test.each([
    ["a dashboard", "/ws/dashboard/witness", opcodes.text],
    ["a dashboard, in pings", "/ws/dashboard/witness", opcodes.ping],
    ["a dashboard, in pongs", "/ws/dashboard/witness", opcodes.pong],
    ["a dashboard, in binary frames", "/ws/dashboard/witness", opcodes.binary],
    ["the fleet", "/ws/fleet", opcodes.text],
    ["a web client of SMART-OS", "/client/", opcodes.text],
  ] as const)("as %s is closed with 1008, and is gone at once", async (_, path, opcode) => {
    const clock = new ManualClock(Date.now());
    const server = await startServer({ clock, settings: { ...openDoors, ...quiet } });
    const witness = await openWitness(server);
    const before = (await metric(server, 'wattboard_connections{role="dashboard"}')) || 0;
    const raw = await RawSocket.connect(server.url);
    await raw.handshake(path);
    raw.write(tiny(20_000, opcode));
    expect(await raw.closeFrame()).toEqual({ code: disconnects.flooding.code, reason: disconnects.flooding.reason });
    await witness.isServed();
    // It does not answer the close; time stands still, and it is counted no more.
    expect(await metric(server, 'wattboard_connections{role="dashboard"}')).toBe(before);
    const door = path === "/ws/fleet" ? "fleet" : path === "/client/" ? "client" : "dashboard";
    expect(await metric(server, `wattboard_floods_total{door="${door}"}`)).toBe(1);
    clock.advance(2_000);
    await raw.ended();
    await witness.isServed();
  });

  test("may say as much as the settings let it, again and again", async () => {
    const clock = new ManualClock(Date.now());
    const server = await startServer({
      clock,
      settings: { ...quiet, "limits.viewer_frames_burst": "50", "limits.viewer_frames_per_second": "10" },
    });
    const witness = await openWitness(server);
    const dashboard = await RawSocket.connect(server.url);
    await dashboard.handshake("/ws/dashboard/witness");
    for (let round = 0; round < 4; round++) {
      dashboard.write(tiny(50));
      await witness.isServed();
      // Five seconds are worth fifty frames.
      clock.advance(5_000);
    }
    dashboard.write(tiny(101));
    expect((await dashboard.closeFrame()).code).toBe(1008);
  });

  test("is an event where it comes back, without its address", async () => {
    const server = await startServer({ settings: quiet });
    for (let round = 0; round < 2; round++) {
      const raw = await RawSocket.connect(server.url);
      await raw.handshake("/ws/fleet");
      raw.write(tiny(1_000));
      await raw.closeFrame();
      if (round === 0) expect((await events(server)).map(({ kind }) => kind)).not.toContain("flooding");
    }
    await eventually(async () => {
      const told = (await events(server)).filter(({ kind }) => kind === "flooding");
      expect(told).toHaveLength(1);
      expect(told[0]?.message).not.toContain("127.0.0.1");
    });
  });

  test("does not harm a web client that asks as fast as a person can", async () => {
    const server = await startServer({ settings: { ...openDoors, ...quiet } });
    const client = await openWebClient(server.wsUrl);
    for (let sent = 0; sent < 150; sent++) client.send({ type: "FILT", message: [] });
    // Each is answered: with a dataset, or that it was too much.
    expect(await client.receive(150)).toHaveLength(150);
  });
});

describe("a device that sends far above its rate", () => {
  const count = 40_000;

  test("is not read for a while, and nothing of it is lost: it waits, and goes on", async () => {
    const clock = new ManualClock(Date.now());
    const server = await startServer({ clock, settings: quiet });
    const witness = await openWitness(server);
    const raw = await openRawDevice(server.url, "hostile", server.addDevice("hostile"));
    // Pongs among them, as when the server has asked for a sign of life: they do not end the link.
    raw.write(tiny(count - 100), tiny(20, opcodes.pong), tiny(100));
    const seen = async (): Promise<number> => {
      const { dropped } = await deviceDetail(server, "hostile");
      return Object.values(dropped).reduce((sum, each) => sum + each, 0);
    };
    const pausedAt = limits.floodFactor * limits.messagesBurst;
    await eventually(async () => expect(await seen()).toBeGreaterThan(pausedAt));
    await eventually(async () => expect(await metric(server, 'wattboard_floods_total{door="device"}')).toBe(1));
    await witness.isServed();
    // What had been read with the last frame came; the rest waits in the sockets.
    expect(await seen()).toBeLessThan(count);
    for (let second = 0; second < 120; second++) clock.advance(1_000);
    await eventually(async () => {
      clock.advance(1_000);
      expect(await seen()).toBe(count);
    });
    expect((await deviceDetail(server, "hostile")).online).toBe(true);
    await witness.isServed();
  });

  test("is closed with 1008 where it floods pings, and its session ends at once", async () => {
    const server = await startServer({ clock: new ManualClock(Date.now()), settings: quiet });
    const witness = await openWitness(server);
    const raw = await openRawDevice(server.url, "hostile", server.addDevice("hostile"));
    raw.write(tiny(count, opcodes.pong));
    expect((await raw.closeFrame()).code).toBe(1008);
    expect(await deviceDetail(server, "hostile")).toMatchObject({
      online: false,
      dropped: { too_many_frames: 1 },
      last_refusal: { code: "too_many_frames" },
    });
    await witness.isServed();
  });
});

test("the lane is as fast beside floods at every door as without, but for a small factor", async () => {
  const server = await startServe({
    args: ["--smart-os-access=open", "--smart-os-auto-register=true"],
  });
  const device = await openDevice(server.wsUrl, "healthy", await server.addDevice("healthy"));
  const dashboard = await openDashboard(server.wsUrl, "healthy");
  let sent = 0;
  const medianMs = async (): Promise<number> => {
    const tookMs: number[] = [];
    for (let at = 0; at < 100; at++) {
      const startedAtMs = performance.now();
      device.send(sampleOf("healthy", { solar: { power: ++sent } }));
      await dashboard.receive(sent);
      tookMs.push(performance.now() - startedAtMs);
    }
    return tookMs.sort((a, b) => a - b)[50] ?? 0;
  };
  const aloneMs = await medianMs();
  const hostileToken = await server.addDevice("hostile");
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  const noise = tiny(10_000);
  const flood = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
    while (!isOver) {
      const raw = await RawSocket.connect(server.url);
      raw.write(handshakeRequest(path, headers), noise);
      await eventually(() => expect(raw.isEnded || isOver).toBe(true), { withinMs: 60_000 }).catch(() => {});
      raw.socket.destroy();
    }
  };
  const floods = ["/ws/dashboard/healthy", "/ws/fleet", "/client/", "/update/"].map((path) => flood(path));
  floods.push(flood("/ws/device/hostile", { authorization: `Bearer ${hostileToken}` }));
  await eventually(async () =>
    expect(await metric(server, 'wattboard_floods_total{door="dashboard"}')).toBeGreaterThan(0),
  );
  const besideMs = await medianMs();
  isOver = true;
  await Promise.all(floods);
  // It was 150 times as slow before floods were bounded.
  expect(besideMs / aloneMs).toBeLessThan(25);
  expect(await dashboard.receive(sent)).toHaveLength(sent);
}, 120_000);
