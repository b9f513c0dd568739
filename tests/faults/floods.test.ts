import { expect, test } from "vitest";
import { ManualClock } from "wattboard";
import { deviceDetail } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { openDoors, openSolMate } from "../support/smart-os.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

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
