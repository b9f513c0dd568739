import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { secondBySecond, storePast } from "../../support/history.ts";
import { run, startMs, startWith } from "../../support/mixed-samples.ts";
import { makeFolder, runJson } from "../../support/run-cli.ts";
import { openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

describe("an import", () => {
  test("of the past never becomes the latest sample, not after a restart either", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const device = await openDevice(server.wsUrl, "ems_001", token);
    device.send(sampleOf("ems_001", { solar: { power: 1 } }));
    await eventually(async () => expect(await storedSamples(server, "ems_001")).toHaveLength(1));
    const file = join(makeFolder(), "old.csv");
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    writeFileSync(file, `observed_at,solar.power\n${hourAgo},2\n2019-06-01T12:00:00Z,3\n`);
    expect(await run("import", file, "--device", "ems_001", "--data-dir", server.dataDir)).toContain(
      "2 samples stored",
    );
    expect((await deviceDetail(server, "ems_001")).latest?.telemetry.solar?.power).toBe(1);
    const csv = await run("export", "--all", "--points", "solar.power", "--data-dir", server.dataDir);
    expect(csv.match(/\d+$/gm)).toEqual(["3", "2", "1"]);
    expect(csv).toContain("\nems_001,2019-06-01T12:00:00.000Z,");
    await server.stop();
    const again = await startServer({ dataDir: server.dataDir });
    expect((await deviceDetail(again, "ems_001")).latest?.telemetry.solar?.power).toBe(1);
  });

  test("of samples that the device has sent already, and of more, adds only the more", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, 10));
    const file = join(makeFolder(), "some.csv");
    await run("export", "--all", "--out", file, "--data-dir", server.dataDir);
    appendFileSync(
      file,
      readFileSync(file, "utf8").split("\n")[1]?.replace("23:59:58.000", "23:59:58.500").concat("\n") ?? "",
    );
    expect(await runJson(["import", file, "--data-dir", server.dataDir])).toMatchObject({
      rows: 11,
      stored: 1,
      known: 10,
      bad: 0,
      dry_run: false,
      faults: [],
    });
  });

  test("only tried stores nothing", async () => {
    const server = await startWith("ems_001");
    const file = join(makeFolder(), "old.csv");
    writeFileSync(file, "observed_at,solar.power\n2026-01-31T12:00:00Z,2\n");
    expect(await run("import", file, "--device", "ems_001", "--dry-run", "--data-dir", server.dataDir)).toContain(
      "1 of 1 rows are good. Nothing was stored",
    );
    expect((await server.store.info()).samples).toBe(0);
  });
});
