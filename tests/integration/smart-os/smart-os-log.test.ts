import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { ask, openDoors, openSolMate, openWebClient, query, update } from "../../support/smart-os.ts";
import { startServer } from "../../support/start-server.ts";

describe("general.log", () => {
  test("has every message towards the SMART-OS doors, without secrets, in a file of bounded size", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    const settings = { ...openDoors, "log.general_bytes": "262144", "limits.messages_burst": "1000000" };
    const server = await startServer({ clock, settings });
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, `{'type': 'UPDT', 'message': '0001:0001:{"battery": 7, "api_token": "wb_verysecrettoken0"}'}`);
    await ask(solMate, update("0001", { wifi_password: "hunter2", note: "two" }));
    const client = await openWebClient(server.wsUrl);
    await query(client, ["filter:serial_number:=:00"]);
    const path = join(server.dataDir, "general.log");
    const lines = await eventually(() => {
      clock.advance(250);
      const written = readFileSync(path, "utf8").trimEnd().split("\n");
      expect(written).toHaveLength(3);
      return written;
    });
    expect(lines[0]).toMatch(/^2026-07-01T09:00:00.000Z update 127\.0\.0\.1 \{'type': 'UPDT'/);
    expect(lines[2]).toMatch(/ client 127\.0\.0\.1 \{"type":"FILT"/);
    expect(lines.join()).not.toMatch(/verysecret|hunter2/);
    expect(lines.join()).toContain('battery": 7');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const long = "x".repeat(200);
    for (let sent = 0; sent < 3_000; sent++) {
      solMate.send(update("0001", { note: long, sent }));
      if (sent % 300 === 0) {
        await solMate.receive(sent);
        clock.advance(250);
      }
    }
    await solMate.receive(3_002);
    clock.advance(250);
    await eventually(() => {
      const files = readdirSync(server.dataDir).filter((name) => name.startsWith("general.log"));
      expect(files.sort()).toEqual(["general.log", "general.log.1"]);
      const bytes = files.reduce((sum, name) => sum + statSync(join(server.dataDir, name)).size, 0);
      expect(bytes).toBeGreaterThan(50_000);
      expect(bytes).toBeLessThanOrEqual(262_144);
    });
  });

  test("is not there where it is switched off", async () => {
    const server = await startServer({ settings: { ...openDoors, "log.general": "off" } });
    await ask(await openSolMate(server.wsUrl), update("0001", { battery: 7 }));
    await server.stop();
    expect(readdirSync(server.dataDir)).not.toContain("general.log");
  });
});
