import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { ManualClock } from "@wattboard/testing";
import { asyncBufferFromFile, parquetMetadataAsync } from "hyparquet";
import { describe, expect, test } from "vitest";
import { eventually, inTime } from "../../support/eventually.ts";
import { secondBySecond, storePast } from "../../support/history.ts";
import { readParquet, run, startMs, startWith } from "../../support/mixed-samples.ts";
import { CliProcess, makeFolder, runJson, startServe } from "../../support/run-cli.ts";
import { openDevice, openSocket } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

describe("many samples", () => {
  // More than one row group of a Parquet file holds (62,500).
  const count = 65_000;

  test(
    "are exported and imported within a small heap, and Parquet holds what the CSV does",
    async () => {
      const server = await startWith("ems_001");
      const beginMs = Date.now() - count * 1_000;
      await storePast(server.store, secondBySecond("ems_001", beginMs, count));
      const folder = makeFolder();
      // what is written is 8 MB as text, and several times that as objects: who gathered it would not get through.
      const env = { NODE_OPTIONS: "--max-old-space-size=48" };
      const csv = join(folder, "all.csv");
      const parquet = join(folder, "all.parquet");
      await server.stop();
      const target = ["--data-dir", server.dataDir];
      const long = async (...args: string[]) =>
        expect(await new CliProcess([...args, ...target], { env }).exit(120_000)).toMatchObject({
          code: 0,
          stderr: "",
        });
      await long("export", "--all", "--out", csv);
      await long("export", "--all", "--format", "parquet", "--out", parquet);
      const text = readFileSync(csv, "utf8");
      const lines = text.trimEnd().split("\n").slice(1);
      expect(lines).toHaveLength(count);
      const rows = await readParquet(parquet);
      expect(rows).toHaveLength(count);
      expect((await parquetMetadataAsync(await asyncBufferFromFile(parquet))).row_groups.length).toBeGreaterThan(1);
      for (const at of [0, 1, 62_499, 62_500, 62_501, count - 1]) {
        const row = rows[at] as Record<string, unknown>;
        const values = Object.values(row).map((value) =>
          value instanceof Date ? value.toISOString() : String(value ?? ""),
        );
        expect(values.join(",")).toBe(lines[at]);
      }

      const other = await startWith("ems_001");
      await other.stop();
      target[1] = other.dataDir;
      await long("import", csv);
      const again = join(folder, "again.csv");
      await long("export", "--all", "--out", again);
      expect(digest(readFileSync(again))).toBe(digest(text));
    },
    inTime(200_000),
  );

  test("stop at once, and without a word, when whoever reads them has had enough", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, 50_000));
    const { child, exited } = new CliProcess(["export", "--all", "--data-dir", server.dataDir]);
    await once(child.stdout as NodeJS.ReadableStream, "data");
    child.stdout?.destroy();
    expect(await exited).toMatchObject({ code: 0, stderr: "" });
  });

  test("that are interrupted leave rows that are good, say how to go on, and are whole once that is done", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, count));
    const target = ["--data-dir", server.dataDir];
    const whole = join(makeFolder(), "whole.csv");
    await run("export", "--all", "--out", whole, ...target);
    const file = join(makeFolder(), "part.csv");
    const { child, exited } = new CliProcess(["export", "--all", "--out", file, ...target]);
    await eventually(() => expect(existsSync(file) && statSync(file).size).toBeGreaterThan(100_000), {
      withinMs: 30_000,
    });
    child.kill("SIGINT");
    const { code, stderr } = await exited;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/interrupted.*good as far as it goes.*--resume/)]);
    expect(statSync(file).size).toBeLessThan(statSync(whole).size);
    await run("export", "--all", "--to", "2026-03-01", "--out", file, "--resume", ...target);
    expect(digest(readFileSync(file))).toBe(digest(readFileSync(whole)));
  });

  test(
    "are exported while live samples go on to their dashboards, each of them and in order",
    async () => {
      const server = await startServe({ args: ["--limits-messages-burst=1000000"] });
      const device = await runJson<{ token: string }>(["device", "add", "ems_001", "--data-dir", server.dataDir]);
      const token = await runJson<{ token: string }>([
        ...["api-token", "add", "script", "--role", "admin", "--data-dir", server.dataDir],
      ]);
      const headers = { authorization: `Bearer ${token.token}` };
      const csv = join(makeFolder(), "past.csv");
      const rows = Array.from({ length: count }, (_, at) => {
        const wave = Math.sin(at / 600) * 1_000;
        return `${new Date(startMs - count * 1_000 + at * 1_000).toISOString()},${wave},${-wave},${at % 100}`;
      });
      writeFileSync(csv, `observed_at,grid.power,battery.power,battery.soc\n${rows.join("\n")}\n`);
      const importing = new CliProcess(["import", csv, "--device", "ems_001", "--data-dir", server.dataDir]);
      expect(await importing.exit(120_000)).toMatchObject({ code: 0, stderr: "" });

      const link = await openDevice(server.wsUrl, "ems_001", device.token);
      const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/ems_001`, { headers });
      let isExporting = true;
      const exports = Promise.all(
        [1, 2].map(async () => {
          const answer = await fetch(`${server.url}/api/v1/export?all=true&to=2026-02-01`, { headers });
          return (await answer.text()).split("\n").length;
        }),
      ).finally(() => {
        isExporting = false;
      });
      let sent = 0;
      while (isExporting) {
        // One after the other: the next is sent once the one before has come through.
        link.send(sampleOf("ems_001", { solar: { power: ++sent } }));
        const frame = JSON.parse((await dashboard.receive(sent)).at(-1) ?? "") as { solar: { power: number } };
        expect(frame.solar.power).toBe(sent);
      }
      expect(await exports).toEqual([count + 2, count + 2]);
      expect(sent).toBeGreaterThan(10);
    },
    inTime(200_000),
  );

  test("to a client that takes nothing for long are cut off, and its place is free again", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    server.addDevice("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, count));
    const address = `${server.url}/api/v1/export?all=true&to=2026-03-01`;
    // They never read, and never leave: who cuts them off can only be the server.
    const open = () => new Promise<IncomingMessage>((resolve) => get(address, resolve));
    for (const each of [await open(), await open()]) each.on("error", () => {});
    expect((await fetch(address)).status).toBe(429);
    await eventually(
      async () => {
        clock.advance(30_000);
        const free = await fetch(address);
        await free.body?.cancel();
        expect(free.status).toBe(200);
      },
      { withinMs: 30_000 },
    );
  });

  test("to a client of the API that leaves are not read on, and its place is free again", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, 50_000));
    // Readers that do not read hold their places: a third is refused.
    const open = () =>
      new Promise<NodeJS.ReadableStream & { destroy(): void }>((resolve) =>
        get(`${server.url}/api/v1/export?all=true`, resolve),
      );
    const held = [await open(), await open()];
    const third = await fetch(`${server.url}/api/v1/export?all=true`);
    expect([third.status, ((await third.json()) as { code: string }).code]).toEqual([429, "busy"]);
    for (const each of held) each.destroy();
    await eventually(async () => {
      const free = await fetch(`${server.url}/api/v1/export?all=true`);
      await free.body?.cancel();
      expect(free.status).toBe(200);
    });
  });
});

function digest(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
