import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync } from "hyparquet";
import { describe, expect, test } from "vitest";
import { mixed, mixedCsv, readParquet, run, startMixed, startWith } from "../../support/mixed-samples.ts";
import { makeFolder, runCli } from "../../support/run-cli.ts";
import type { TestServer } from "../../support/start-server.ts";

describe.each([
  ["through the running server", false],
  ["in the folder of a server that is stopped", true],
])("%s", (_how, isStopped) => {
  /** The command line's target; where no server is to run, it is stopped first. */
  const at = async (server: TestServer): Promise<string[]> => {
    if (isStopped) await server.stop();
    return ["--data-dir", server.dataDir];
  };

  test("an export is the samples as they were sent, the devices one after the other, their points in the catalogue's order", async () => {
    expect(await run("export", "--all", ...(await at(await startMixed())))).toBe(mixedCsv);
  });

  test("what was exported is imported by another server, and exported there again: byte for byte the same", async () => {
    const first = await startMixed();
    const file = join(makeFolder(), "all.csv");
    await run("export", "--all", "--out", file, ...(await at(first)));
    expect(readFileSync(file, "utf8")).toBe(mixedCsv);
    const target = await at(await startWith("ems_001", "sol.002"));
    expect(await run("import", file, ...target)).toContain("8 samples stored, 0 were known already, 0 rows were bad");
    expect(await run("export", "--all", ...target)).toBe(mixedCsv);
    // A second time it doubles nothing; nor where it came from.
    expect(await run("import", file, ...target)).toContain("0 samples stored, 8 were known already");
    expect(await run("import", file, ...(await at(first)))).toContain("0 samples stored, 8 were known already");
    expect(await run("export", "--all", ...target)).toBe(mixedCsv);
  });

  test("a range and points can be chosen: only samples in it that have one of them", async () => {
    const target = await at(await startMixed());
    const out = await run(
      "export",
      "--device",
      "ems_001",
      "--from",
      "2026-02-01",
      "--points",
      "site.on,battery.soc",
      ...target,
    );
    expect(out.split("\n").map((line) => line.split(",").slice(1).join())).toEqual([
      "observed_at,received_at,battery.soc,site.on",
      "2026-02-01T00:00:00.000Z,2026-02-01T00:00:00.020Z,33.333333333333336,true",
      "2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,,false",
      "2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,99,",
      "2026-02-01T00:00:03.000Z,2026-02-01T00:00:03.020Z,,",
      "",
    ]);
  });

  test("Parquet holds the same values, with types that its readers know", async () => {
    const file = join(makeFolder(), "all.parquet");
    await run("export", "--all", "--format", "parquet", "--out", file, ...(await at(await startMixed())));
    const rows = await readParquet(file);
    expect(
      rows.map((row) => [row.device_id, (row.observed_at as Date).getTime(), (row.received_at as Date).getTime()]),
    ).toEqual(mixed.map(({ deviceId, atMs }) => [deviceId, atMs, atMs + 20]));
    const column = (name: string) => rows.map((row) => row[name] ?? null);
    expect(column("battery.soc")).toEqual([85, 1e-7, 33.333333333333336, null, 99, null, null, null]);
    expect(column("site.on")).toEqual([null, null, true, false, null, null, null, null]);
    expect(column("site.note")).toEqual([null, null, 'say "hi", twice\nand again', "12", "", null, "=1+1", null]);
    expect(column("site.mixed").slice(2, 5)).toEqual([null, "12", '"12"']);
    expect(column("system_status.error_flags").slice(0, 3)).toEqual(["[]", '["E01","a \\"b\\", c"]', null]);
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(file));
    const typeOf = (name: string) => schema.find((each) => each.name === name);
    expect(typeOf("observed_at")).toMatchObject({ type: "INT64", converted_type: "TIMESTAMP_MILLIS" });
    expect(typeOf("battery.soc")).toMatchObject({ type: "DOUBLE" });
    expect(typeOf("site.on")).toMatchObject({ type: "BOOLEAN" });
    expect(typeOf("site.mixed")).toMatchObject({ type: "BYTE_ARRAY", converted_type: "UTF8" });
  });

  test("a file for each day goes on where it ended: only the last day is written anew", async () => {
    const target = await at(await startMixed());
    const folder = join(makeFolder(), "days");
    const days = ["export", "--all", "--per-day", folder, ...target];
    await run(...days);
    const names = ["2026-01-31.csv", "2026-02-01.csv"];
    expect(readdirSync(folder).sort()).toEqual(names);
    const whole = names.map((name) => readFileSync(join(folder, name), "utf8"));
    expect(whole.map((text) => text.match(/^(ems_001|sol\.002),/gm)?.length)).toEqual([3, 5]);
    expect((await runCli(days)).stderr).toContain("--resume");
    writeFileSync(join(folder, "2026-01-31.csv"), "left alone");
    truncateSync(join(folder, "2026-02-01.csv"), 100);
    await run(...days, "--resume");
    expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(["left alone", whole[1]]);
  });

  test("a CSV that was broken off anywhere is gone on with, and is the same in the end", async () => {
    const target = await at(await startMixed());
    const file = join(makeFolder(), "all.csv");
    const resume = ["export", "--all", "--to", "2026-03-01", "--out", file, "--resume", ...target];
    for (const length of [
      0,
      40,
      166,
      mixedCsv.indexOf("twice\n") + 6,
      mixedCsv.indexOf(",99,") + 4,
      mixedCsv.lastIndexOf("sol"),
    ]) {
      writeFileSync(file, mixedCsv.slice(0, length));
      await run(...resume);
      expect([length, readFileSync(file, "utf8")]).toEqual([length, mixedCsv]);
    }
  });
});

test.each([
  ["neither device nor --all", [], "--device ID"],
  ["both", ["--all", "--device", "ems_001"], "--device ID"],
  ["an unknown device", ["--device", "nobody"], "No device nobody is registered"],
  ["a time that is none", ["--all", "--from", "24h"], "-24h"],
  ["a range that ends before it begins", ["--all", "--from", "-1h", "--to", "-2h"], "before"],
  ["a point that is none", ["--all", "--points", "a b"], "grid.power"],
  ["two places", ["--all", "--out", "a", "--per-day", "b"], "not both"],
  ["Parquet to go on with", ["--all", "--out", "a.parquet", "--format", "parquet", "--resume"], "--per-day"],
  ["several devices to go on with and no end", ["--all", "--out", "a.csv", "--resume"], "--to"],
  ["--resume alone", ["--all", "--resume"], "--out"],
])("an export with %s is wrong usage, and says what to do", async (_what, args, expected) => {
  const { dataDir } = await startWith("ems_001");
  const { code, stdout, stderr } = await runCli(["export", ...args, "--data-dir", dataDir]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(expected);
});

test("an export never writes over a file, and goes on with none that is not its own", async () => {
  const { dataDir } = await startMixed();
  const file = join(makeFolder(), "mine.txt");
  writeFileSync(file, "my,notes\n1,2\n");
  const refused = await runCli(["export", "--device", "ems_001", "--out", file, "--data-dir", dataDir]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("is there already") });
  const resumed = await runCli(["export", "--device", "ems_001", "--out", file, "--resume", "--data-dir", dataDir]);
  expect(resumed).toMatchObject({ code: 2, stderr: expect.stringContaining("no CSV that an export has written") });
  writeFileSync(file, mixedCsv);
  const others = await runCli(["export", "--device", "sol.002", "--out", file, "--resume", "--data-dir", dataDir]);
  expect(others).toMatchObject({ code: 2, stderr: expect.stringContaining("--points") });
  expect(readFileSync(file, "utf8")).toBe(mixedCsv);
  const nowhere = await runCli(["export", "--all", "--out", join(file, "x.csv"), "--data-dir", dataDir]);
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be written") });
  expect(existsSync(join(file, "x.csv"))).toBe(false);
});
