import { cpSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isRefusal } from "@wattboard/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadConfig, startSwitchboard } from "wattboard";
import { events, metric, readiness, storedSamples } from "../support/api.ts";
import { mountDisk, unmountDisk } from "../support/disk.ts";
import { eventually } from "../support/eventually.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { temporaryFolder } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const gone = { status: "degraded", store: "the data folder is not where it was" };

async function startIn(dataDir: string) {
  const { config } = loadConfig({
    flags: {
      port: "0",
      data_dir: dataDir,
      "access.dashboards": "public",
      "log.level": "silent",
      "store.flush_ms": "10",
    },
    env: {},
    file: undefined,
  });
  const server = await startSwitchboard({ config });
  onTestFinished(() => server.stop());
  const added = server.devices.add({ deviceId: "ems_001" });
  if (isRefusal(added)) throw new Error(added.message);
  const admin = server.apiTokens.add("script", "admin", null) as { token: string };
  const device = await openDevice(server.url.replace("http", "ws"), "ems_001", added.token);
  let power = 0;
  const send = (count: number): void => {
    for (let sent = 0; sent < count; sent++) device.send(sampleOf("ems_001", { solar: { power: ++power } }));
  };
  send(3);
  await eventually(async () => expect(await metric(server, "wattboard_stored_samples_total")).toBe(3));
  const ask = (method: string, path: string, body?: object) =>
    fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${admin.token}`, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  return { server, ask, send };
}

describe("a data folder that is not where it was any more", () => {
  const ways: readonly (readonly [how: string, take: (dataDir: string) => void])[] = [
    ["deleted", (dataDir) => rmSync(dataDir, { recursive: true })],
    ["moved", (dataDir) => renameSync(dataDir, `${dataDir}-moved`)],
    [
      "exchanged for a copy of it",
      (dataDir) => {
        renameSync(dataDir, `${dataDir}-moved`);
        cpSync(`${dataDir}-moved`, dataDir, { recursive: true });
      },
    ],
    ["without its store.db", (dataDir) => rmSync(join(dataDir, "store.db"))],
    ["without the log of its store.db", (dataDir) => rmSync(join(dataDir, "store.db-wal"))],
  ];

  test.each(ways)("(%s): live goes on, nothing is acked, and it is told", async (_how, take) => {
    const dataDir = join(temporaryFolder(), "data");
    const { server, send } = await startIn(dataDir);
    const dashboard = await openDashboard(server.url.replace("http", "ws"), "ems_001");
    take(dataDir);
    send(5);
    await dashboard.receive(6);
    await eventually(async () => expect(await readiness(server)).toEqual(gone));
    send(5);
    await dashboard.receive(11);
    await eventually(async () => expect((await events(server)).map(({ kind }) => kind)).toContain("data_dir_gone"));
    expect(await metric(server, "wattboard_stored_samples_total")).toBe(3);
    expect(JSON.stringify(await events(server))).not.toContain(dataDir);
  });

  test.each(["access.db", "audit.db", "commands.db"])(
    "without its %s: what is given is refused, and it is told",
    async (name) => {
      const dataDir = join(temporaryFolder(), "data");
      const { server, ask } = await startIn(dataDir);
      rmSync(join(dataDir, name));
      await eventually(async () => expect(await readiness(server)).toEqual(gone));
      if (name === "commands.db") {
        const answer = await ask("POST", "/devices/ems_001/commands", { action: "RESET_ERROR", payload: {} });
        expect(answer.status).toBe(503);
      } else expect((await ask("POST", "/devices", { device_id: "ems_002" })).status).toBe(503);
    },
  );

  test("and is back: all that waited is stored, and taken back is for good again", async () => {
    const dataDir = join(temporaryFolder(), "data");
    const { server, send, ask } = await startIn(dataDir);
    renameSync(dataDir, `${dataDir}-moved`);
    send(5);
    await eventually(async () => expect(await readiness(server)).toEqual(gone));
    await eventually(async () => expect((await events(server)).map(({ kind }) => kind)).toContain("data_dir_gone"));
    // It holds at once, but nobody is told that it is written down.
    expect((await ask("POST", "/devices/ems_001/revoke")).status).toBe(503);
    expect(server.devices.find("ems_001")?.token).toBeNull();
    renameSync(`${dataDir}-moved`, dataDir);
    await eventually(async () => expect(await readiness(server)).toEqual({ status: "ready", store: "ok" }));
    await eventually(async () => {
      const powers = (await storedSamples(server, "ems_001", "limit=100")).map(
        ({ telemetry }) => telemetry.solar?.power,
      );
      expect(powers).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });
    await eventually(async () => expect((await events(server)).map(({ kind }) => kind)).toContain("data_dir_back"));
    expect((await ask("POST", "/devices/ems_001/revoke")).status).toBe(200);
  });

  const disk = mountDisk("8m");
  if (disk === null) console.warn("SKIPPED: an unmounted data folder (it needs the right to mount a tmpfs)");

  test.skipIf(disk === null)(
    "since its disk was unmounted: live goes on, nothing is acked, and it is told",
    async () => {
      if (disk === null) return;
      const { server, send } = await startIn(join(disk, "data"));
      unmountDisk(disk);
      mkdirSync(join(disk, "data"), { recursive: true });
      onTestFinished(() => rmSync(disk, { recursive: true }));
      send(5);
      await eventually(async () => expect(await readiness(server)).toEqual(gone));
      expect(await metric(server, "wattboard_stored_samples_total")).toBe(3);
    },
  );
});
