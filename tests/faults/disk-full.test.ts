import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { deviceDetail, events, metric, readiness, storedSamples } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** A disk of 3 MB; null where this machine does not let us mount one. */
function mountSmallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
}

const disk = mountSmallDisk();
if (disk === null) console.warn("SKIPPED: a disk that is full (it needs the right to mount a tmpfs)");
afterAll(() => {
  if (disk === null) return;
  execFileSync("umount", [disk]);
  rmSync(disk, { recursive: true });
});

test.skipIf(disk === null)(
  "a disk that is full: acks stop, live goes on, health says degraded; with room again everything is stored",
  async () => {
    if (disk === null) return;
    const server = await startServer({ dataDir: disk, settings: { "limits.messages_burst": "1000000" } });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const filler = join(disk, "filler");
    onTestFinished(() => rmSync(filler, { force: true }));
    let power = 0;
    const send = (count: number): void => {
      for (let sent = 0; sent < count; sent++) {
        const noise = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`cell_${at}`, Math.random()]));
        device.send(sampleOf("ems_001", { solar: { power: ++power }, bms: noise }));
      }
    };
    send(10);
    await eventually(async () => expect(await metric(server, "wattboard_stored_samples_total")).toBe(10));

    // Whatever room there is goes.
    for (let size = 1_000_000; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
      } catch {
        // Full for this size; smaller ones may still fit.
      }
    }
    send(500);
    await dashboard.receive(510);
    await eventually(async () => expect(await readiness(server)).toMatchObject({ status: "degraded" }));
    const storedWhileFull = await metric(server, "wattboard_stored_samples_total");
    expect(storedWhileFull).toBeLessThan(510);
    expect((await events(server)).map(({ kind }) => kind)).toContain("store_failing");
    expect((await deviceDetail(server, "ems_001")).latest?.telemetry.solar?.power).toBe(510);

    rmSync(filler);
    await eventually(async () => expect(await readiness(server)).toMatchObject({ status: "ready" }), {
      withinMs: 10_000,
    });
    await eventually(async () => {
      const stored = await storedSamples(server, "ems_001", "limit=10000");
      expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual(
        Array.from({ length: 510 }, (_, at) => at + 1),
      );
    });
    expect(await server.store.verify(() => {})).toEqual({ faults: [], unchecked: 0 });
  },
);
