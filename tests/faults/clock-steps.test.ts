import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { deviceDetail, events } from "../support/api.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { makeFolder, startServe } from "../support/run-cli.ts";
import { openDoors, openSolMate } from "../support/smart-os.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** Method: somebody sets the server's clock under a device that goes on as before. The device's own clock is right throughout. */

const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 0, 31, 12);

async function openScene(settings: Record<string, string> = {}) {
  const clock = new ManualClock(startMs);
  const server = await startServer({ clock, settings: { "heartbeat.ping_ms": "86400000", ...settings } });
  const token = server.addDevice("ems_001");
  const device = await openDevice(server.wsUrl, "ems_001", token);
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  let sent = 0;
  return {
    clock,
    server,
    token,
    dashboard,
    /** A sample with the right time, whatever the server takes it for. */
    async send(more: object = {}): Promise<number> {
      const timestamp = new Date(startMs + clock.monotonicMs()).toISOString();
      device.send(sampleOf("ems_001", { timestamp, solar: { power: ++sent }, ...more }));
      await dashboard.receive(sent);
      return sent;
    },
  };
}

async function latestOf(server: { readonly url: string }) {
  const { freshness, latest } = await deviceDetail(server, "ems_001");
  return { freshness, power: latest?.telemetry.solar?.power };
}

async function stepsTold(server: TestServer): Promise<string[]> {
  const told = await events(server);
  return told.filter(({ kind }) => kind === "clock_stepped").map(({ message }) => message);
}

test("after an hour ahead and right again, what is live is what comes now; the steps are events with their size", async () => {
  const { clock, server, send } = await openScene();
  await send();
  clock.stepWall(hourMs);
  for (let second = 0; second < 12; second++) {
    clock.advance(1_000);
    await send();
  }
  expect(await latestOf(server)).toEqual({ freshness: "live", power: 13 });
  clock.stepWall(-hourMs);
  clock.advance(1_000);
  // Nothing has come since: what is known lies ahead, and is not the present.
  expect((await latestOf(server)).freshness).toBe("stale");
  await send();
  expect(await latestOf(server)).toEqual({ freshness: "live", power: 14 });
  clock.advance(31_000);
  expect(await latestOf(server)).toEqual({ freshness: "stale", power: 14 });
  const late = await openDashboard(server.wsUrl, "ems_001");
  expect(JSON.parse((await late.receive(1))[0] ?? "").solar.power).toBe(14);
  await eventually(async () =>
    expect(await stepsTold(server)).toEqual([
      expect.stringContaining("back by 3600.0 s"),
      expect.stringContaining("forward by 3600.0 s"),
    ]),
  );
});

test("after an hour back and right again nothing stands still either", async () => {
  const { clock, server, send } = await openScene();
  await send();
  clock.stepWall(-hourMs);
  clock.advance(1_000);
  expect((await latestOf(server)).freshness).toBe("stale");
  await send();
  expect(await latestOf(server)).toEqual({ freshness: "live", power: 2 });
  clock.stepWall(hourMs);
  clock.advance(1_000);
  expect((await latestOf(server)).freshness).toBe("stale");
  await send();
  expect(await latestOf(server)).toEqual({ freshness: "live", power: 3 });
});

test("a step of a minute, which a device's clock may be off, does not make it stand still for that minute", async () => {
  const { clock, server, send } = await openScene();
  clock.stepWall(60_000);
  // Believed, since it is within five minutes: filed a minute behind.
  await send();
  clock.stepWall(-60_000);
  clock.advance(1_000);
  await send();
  expect(await latestOf(server)).toEqual({ freshness: "live", power: 2 });
});

test("a command is applied although the sample before it lies an hour ahead", async () => {
  const { clock, server, send } = await openScene();
  clock.stepWall(hourMs);
  await send({ system_status: { state: "ERROR", error_flags: ["OVERHEAT"] } });
  clock.stepWall(-hourMs);
  const operator = callerOf(server, "operator");
  const { command_id } = await operator.give("ems_001", { action: "RESET_ERROR", payload: {} });
  await operator.reaches("ems_001", command_id, "sent");
  await send({ system_status: { state: "IDLE", error_flags: [] } });
  await operator.reaches("ems_001", command_id, "applied");
});

test("a latest from the store that lies ahead counts for nothing after a restart", async () => {
  const { clock, server, token, send } = await openScene();
  await send();
  clock.stepWall(hourMs);
  clock.advance(1_000);
  await send();
  await server.stop();
  // The clock was set right while nothing ran.
  const next = await startServer({
    clock: new ManualClock(startMs + clock.monotonicMs()),
    dataDir: server.dataDir,
    settings: { "heartbeat.ping_ms": "86400000" },
  });
  const dashboard = await openDashboard(next.wsUrl, "ems_001");
  expect(JSON.parse((await dashboard.receive(1))[0] ?? "").solar.power).toBe(2);
  const device = await openDevice(next.wsUrl, "ems_001", token);
  expect(await latestOf(next)).toEqual({ freshness: "stale", power: 2 });
  const timestamp = new Date(startMs + clock.monotonicMs()).toISOString();
  device.send(sampleOf("ems_001", { timestamp, solar: { power: 3 } }));
  await dashboard.receive(2);
  expect(await latestOf(next)).toEqual({ freshness: "live", power: 3 });
});

test("a SolMate is idle and is heard on by the clock as it is now", async () => {
  const { clock, server } = await openScene(openDoors);
  const solMate = await openSolMate(server.wsUrl);
  const said = async (battery: number): Promise<void> => {
    solMate.send({ type: "UPDT", message: `0001:s1:{"battery":${battery}}` });
    await eventually(async () =>
      expect((await deviceDetail(server, "s1")).latest?.telemetry.battery?.soc).toBe(battery),
    );
  };
  clock.stepWall(hourMs);
  await said(50);
  clock.stepWall(-hourMs);
  clock.advance(1_000);
  expect((await deviceDetail(server, "s1")).freshness).toBe("stale");
  await said(51);
  clock.advance(60_000);
  expect((await deviceDetail(server, "s1")).freshness).toBe("idle");
});

const libfaketime = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

needs("Debian's faketime", libfaketime !== undefined)("a real process under libfaketime", () => {
  test("whose clock is set an hour ahead and back shows what comes now, and tells both steps", async () => {
    const offset = join(makeFolder(), "offset");
    const set = (text: string): void => writeFileSync(offset, `${text}\n`);
    set("+0s");
    const server = await startServe({
      env: {
        LD_PRELOAD: libfaketime ?? "",
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    });
    const device = await openDevice(server.wsUrl, "ems_001", await server.addDevice("ems_001"));
    let sent = 0;
    const untilShown = async (): Promise<void> => {
      device.send(sampleOf("ems_001", { timestamp: new Date().toISOString(), solar: { power: ++sent } }));
      await eventually(async () => expect(await latestOf(server)).toEqual({ freshness: "live", power: sent }));
    };
    const told = (direction: string) =>
      eventually(
        () =>
          expect(server.logs()).toContainEqual(
            expect.objectContaining({ event: "clock_stepped", msg: expect.stringContaining(`${direction} by 3`) }),
          ),
        { withinMs: 10_000 },
      );
    await untilShown();
    set("+3600s");
    await told("forward");
    await untilShown();
    set("+0s");
    await told("back");
    await untilShown();
    await untilShown();
  });
});
