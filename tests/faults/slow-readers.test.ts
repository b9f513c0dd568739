import { isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { metric } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { openDashboard, openDevice, openSocket, type TestSocket } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const settings = { "limits.messages_burst": "1000000", "heartbeat.ping_ms": "86400000" };
const big = JSON.stringify(sampleOf("ems_001")).padEnd(16 * 1024);

interface Scene {
  readonly server: TestServer;
  readonly clock: ManualClock;
  readonly device: TestSocket;
  readonly good: TestSocket;
  readonly slow: RawSocket;
  /** Sends one more large sample, and waits until the good dashboard has it. */
  sendBig(): Promise<void>;
}

/** A device that sends, a dashboard that reads, and one that does not. */
async function openScene(more: Readonly<Record<string, string>> = {}): Promise<Scene> {
  // Time stands still, so that a cut for the bytes is not one for the time.
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock, settings: { ...settings, ...more } });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const good = await openDashboard(server.wsUrl, "ems_001");
  const slow = await RawSocket.connect(server.url);
  expect((await slow.handshake("/ws/dashboard/ems_001")).status).toBe(101);
  slow.socket.pause();
  let sent = 0;
  return {
    server,
    clock,
    device,
    good,
    slow,
    async sendBig() {
      device.send(big);
      await good.receive(++sent);
    },
  };
}

const dashboards = (server: TestServer): Promise<number> => metric(server, 'wattboard_connections{role="dashboard"}');
const cut = (server: TestServer): Promise<number> => metric(server, "wattboard_slow_readers_total");

describe("a dashboard that never reads", () => {
  test("is cut when a mebibyte waits for it; the others get every sample, in time", async () => {
    const { server, good, sendBig } = await openScene();
    // Well above what the kernel's buffers on both sides take.
    let sent = 0;
    while ((await cut(server)) === 0) {
      expect(sent).toBeLessThan(2_000);
      for (let more = 0; more < 20; more++, sent++) await sendBig();
    }
    await eventually(async () => expect(await dashboards(server)).toBe(1));
    await sendBig();
    expect(good.received).toHaveLength(sent + 1);
    expect(good.webSocket.readyState).toBe(good.webSocket.OPEN);
  });

  test("is cut when something has waited for ten seconds, however little", async () => {
    // And here, where a gibibyte may wait, a cut for the time is not one for the bytes.
    const { server, clock, good, sendBig, slow } = await openScene({ "outbox.bytes": String(1024 ** 3) });
    const isWaiting = async (): Promise<boolean> => {
      clock.advance(1_000);
      return (await cut(server)) > 0;
    };
    let sent = 0;
    let seconds = 0;
    // One sample a second of the server's time: the kernel takes some hundred, then something waits in the server.
    while (!(await isWaiting())) {
      seconds++;
      expect(seconds).toBeLessThan(2_000);
      await sendBig();
      sent++;
    }
    await eventually(async () => expect(await dashboards(server)).toBe(1));
    await sendBig();
    expect(good.received).toHaveLength(sent + 1);
    // Cut, not closed: no close frame stands behind what it had not read.
    slow.socket.resume();
    await slow.ended();
    expect(slow.frames.every(({ opcode }) => opcode === 1)).toBe(true);
  });

  test("and reads again in time is not cut, and has missed nothing", async () => {
    const { server, slow, sendBig } = await openScene();
    for (let sent = 0; sent < 40; sent++) await sendBig();
    slow.socket.resume();
    await eventually(() => expect(slow.frames).toHaveLength(40));
    slow.socket.pause();
    for (let sent = 0; sent < 40; sent++) await sendBig();
    slow.socket.resume();
    await eventually(() => expect(slow.frames).toHaveLength(80));
    expect(await cut(server)).toBe(0);
  });
});

describe("a dashboard on a fleet that does not read", () => {
  test("is cut as well, and the fleet goes on for the others", async () => {
    const clock = new ManualClock(Date.now());
    const server = await startServer({ clock, settings: { ...settings, "outbox.bytes": String(64 * 1024) } });
    // Rows as large as they may be, so that the kernel's buffers are full soon.
    const properties = Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`property_${at}`, "v".repeat(256)]));
    const devices = await Promise.all(
      Array.from({ length: 30 }, (_, at) => {
        const added = server.devices.add({ deviceId: `ems_${at}`, properties });
        return openDevice(server.wsUrl, `ems_${at}`, isRefusal(added) ? "" : added.token);
      }),
    );
    const slow = await RawSocket.connect(server.url);
    expect((await slow.handshake("/ws/fleet")).status).toBe(101);
    slow.socket.pause();
    let ticks = 0;
    while ((await cut(server)) === 0) {
      expect(++ticks).toBeLessThan(500);
      for (const [at, device] of devices.entries()) device.send(sampleOf(`ems_${at}`));
      clock.advance(500);
    }
    await eventually(async () => expect(await metric(server, 'wattboard_connections{role="fleet"}')).toBe(0));
    const good = await openSocket(`${server.wsUrl}/ws/fleet`);
    await good.receive(1);
  });
});
