import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { storePast } from "../../support/history.ts";
import { mixed, run } from "../../support/mixed-samples.ts";
import { makeFolder, runCli } from "../../support/run-cli.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";

describe("rights", () => {
  const bearer = (server: TestServer, role: "viewer" | "admin", devices?: readonly string[]): string =>
    (server.apiTokens.add(`${role} ${devices ?? "all"}`, role, null, devices ?? null) as { token: string }).token;

  async function startClosed(): Promise<TestServer> {
    const server = await startServer({ settings: { "access.dashboards": "people" } });
    for (const deviceId of ["ems_001", "sol.002"]) server.addDevice(deviceId);
    await storePast(server.store, mixed);
    return server;
  }

  test("a device that one may not view cannot be told from one that does not exist; all are all that one may view", async () => {
    const server = await startClosed();
    const headers = { authorization: `Bearer ${bearer(server, "viewer", ["ems_001"])}` };
    const ask = (query: string) => fetch(`${server.url}/api/v1/export?${query}`, { headers });
    const problemOf = async (id: string) => {
      const answer = await ask(`device=${id}`);
      return [answer.status, (await answer.text()).replaceAll(id, "ID")];
    };
    expect(await problemOf("sol.002")).toEqual(await problemOf("nobody9"));
    expect(await problemOf("sol.002")).toMatchObject([404, expect.stringContaining("unknown_device")]);
    expect((await ask("device=ems_001&device=sol.002")).status).toBe(404);
    expect((await ask("device=ems_001&start_device=sol.002")).status).toBe(400);
    const own = await (await ask("all=true")).text();
    expect(own).toBe(await (await ask("device=ems_001")).text());
    expect(own).toContain("ems_001,");
    // Neither rows nor columns tell of the other device.
    expect(own).not.toMatch(/sol\.002|solar\.power/);
    expect((await fetch(`${server.url}/api/v1/store`, { headers })).status).toBe(403);
  });

  test("the command line exports by a token for some devices; by the day it needs to be told from when on", async () => {
    const server = await startClosed();
    const env = { WATTBOARD_TOKEN: bearer(server, "viewer", ["sol.002"]) };
    const all = await runCli(["export", "--all", "--url", server.url], { env });
    expect([all.code, all.stdout.match(/^(ems_001|sol\.002)/gm)]).toEqual([0, ["sol.002", "sol.002"]]);
    const folder = join(makeFolder(), "days");
    const days = ["export", "--all", "--per-day", folder, "--url", server.url, "--to", "2026-02-02"];
    expect(await runCli(days, { env })).toMatchObject({ code: 2, stderr: expect.stringContaining("--from") });
    expect(await runCli([...days, "--from", "2026-01-31"], { env })).toMatchObject({ code: 0 });
    expect(readdirSync(folder).sort()).toEqual(["2026-01-31.csv", "2026-02-01.csv"]);
  });

  test("imports, verifications and backups stand in the audit, with who did them and how they ended", async () => {
    const server = await startClosed();
    const env = { WATTBOARD_TOKEN: bearer(server, "admin") };
    const csv = join(makeFolder(), "old.csv");
    writeFileSync(csv, "observed_at,solar.power\n2019-06-01T12:00:00Z,3\n");
    const to = join(makeFolder(), "backup");
    for (const args of [
      ["import", csv, "--device", "ems_001"],
      ["store", "verify"],
      ["backup", to],
    ]) {
      expect(await runCli([...args, "--url", server.url], { env })).toMatchObject({ code: 0, stderr: "" });
    }
    const rows = async (dataDir: string) =>
      (await run("audit", "export", "--format", "ndjson", "--data-dir", dataDir))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ action }) => /^(import|store|backup)/.test(String(action)));
    expect(await rows(server.dataDir)).toMatchObject([
      { action: "backup.make", who: "token admin all", outcome: "done" },
      { action: "store.verify", who: "token admin all", outcome: "done" },
      { action: "import", who: "token admin all", outcome: "done", device_id: "ems_001", detail: { samples: 1 } },
    ]);
    // The chain goes on where the backup was brought back.
    const folder = join(makeFolder(), "restored");
    await run("restore", to, "--data-dir", folder);
    await run("store", "verify", "--data-dir", folder);
    expect((await rows(folder)).map(({ action, who }) => [action, who]).slice(0, 2)).toEqual([
      ["store.verify", "local"],
      ["backup.restore", "local"],
    ]);
    expect(await run("audit", "verify", "--data-dir", folder)).toContain("The audit is whole");
  });
});
