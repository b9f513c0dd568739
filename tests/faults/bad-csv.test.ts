import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeFolder, runCli, runJson, untilFileEnds } from "../support/run-cli.ts";

const until = untilFileEnds();
const folder = makeFolder(until);
const target = ["--data-dir", join(folder, "data")];
const registered = runJson(["device", "add", "ems_001", ...target], { until });

async function importText(text: string | Buffer, ...args: string[]) {
  await registered;
  const file = join(folder, `${Math.random()}.csv`);
  writeFileSync(file, text);
  return await runCli(["import", file, ...args, ...target]);
}

async function samplesStored(): Promise<number> {
  return (await runJson<{ samples: number }>(["store", "info", ...target])).samples;
}

const header = "device_id,observed_at,received_at,battery.soc,system_status.error_flags,site.note";
const good = "ems_001,2026-01-31T12:00:00Z,2026-01-31T12:00:01Z,85,[],fine";

describe("a file whose first line does not fit is refused as a whole, and it is said how to mend it", () => {
  test.each([
    ["that is empty", "", "The file is empty"],
    ["of blank lines", "\n\n\n", "The file is empty"],
    [
      "without a column of the time",
      "device_id,battery.soc\nems_001,85",
      '"observed_at". The file has "device_id", "battery.soc". Name the column of the time with --time.',
    ],
    ["without a device", "observed_at,battery.soc\n2026-01-31T12:00:00Z,85", "--device"],
    [
      "with a column twice",
      "device_id,observed_at,battery.soc,battery.soc\n",
      'The column "battery.soc" stands there twice',
    ],
    ["with a column that is no point", "device_id,observed_at,State of charge\n", "--map"],
    ["without a point", "device_id,observed_at\n", "--map"],
    ["with a quote that never ends", 'device_id,observed_at,"battery.soc\n1,2,3\n', "never closed"],
    ["that is one endless line", "x".repeat(3 * 1024 * 1024), "longer than"],
    ["that is no text at all", Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 7) % 256)), "csv: "],
  ])("one %s", async (_what, text, expected) => {
    const { code, stdout, stderr } = await importText(text);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(expected);
    expect(stderr).not.toMatch(/ at .*\.js:/);
  });

  test("one with a column missing that is mapped, or two for one point", async () => {
    const missing = await importText(`${header}\n${good}\n`, "--map", "SoC=battery.soc");
    expect(missing).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no column "SoC". The file has "device_id"'),
    });
    const twice = await importText(`${header}\n${good}\n`, "--map", "battery.soc=battery.soc,site.note=battery.soc");
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining("Two columns are mapped to battery.soc") });
  });
});

const badRows = [
  ["a time that is none", "ems_001,31.1.2026 12:00,,85,[],x", 'Column "observed_at": "31.1.2026 12:00" is no time'],
  ["a time without an offset", "ems_001,2026-01-31 12:00:00,,85,[],x", "--utc-offset"],
  ["a time to come", "ems_001,2999-01-31T12:00:00Z,,85,[],x", "from 1970 until now"],
  ["a time before 1970", "ems_001,1969-01-31T12:00:00Z,,85,[],x", "from 1970 until now"],
  ["a number that is none", "ems_001,2026-01-31T12:00:00Z,,full,[],x", 'Column "battery.soc": "full" is no number'],
  ["a decimal comma", 'ems_001,2026-01-31T12:00:00Z,,"85,5",[],x', "--decimal-comma"],
  ["a number beyond all", "ems_001,2026-01-31T12:00:00Z,,1e999,[],x", "too large"],
  ["a number out of its range", "ems_001,2026-01-31T12:00:00Z,,101,[],x", "battery.soc must be <= 100"],
  ["flags that are no list", "ems_001,2026-01-31T12:00:00Z,,85,E01,x", "JSON list"],
  ["a text too long", `ems_001,2026-01-31T12:00:00Z,,85,[],${"x".repeat(300)}`, "256 characters"],
  ["a cell too few", "ems_001,2026-01-31T12:00:00Z,,85,[]", "5 cells, and the header 6"],
  ["a cell too many", "ems_001,2026-01-31T12:00:00Z,,85,[],x,y", "7 cells, and the header 6"],
  ["a device that is not registered", "nobody,2026-01-31T12:00:00Z,,85,[],x", 'It is "nobody"; register it first'],
  ["a device id that can be none", "../etc,2026-01-31T12:00:00Z,,85,[],x", '"../etc" is no device id'],
  ["a quote in the middle", 'ems_001,2026-01-31T12:00:00Z,,85,[],say "hi"', "quote"],
  ["something behind a closing quote", 'ems_001,2026-01-31T12:00:00Z,,85,[],"say" hi', "quote"],
] as const;

test.each(badRows)(
  "a row with %s ends the import at its line; what stands before it is stored",
  async (_what, row, expected) => {
    const { code, stderr } = await importText(`${header}\n${good}\n${row}\n${good.replace(":00Z", ":59Z")}\n`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(expected)]);
    expect(stderr).toMatch(/^Line 3: /);
    expect(stderr).toContain("--skip-bad");
    expect(await samplesStored()).toBe(1);
  },
);

test("a file whose rows all have one time is not gathered in memory: after sixteen its rows are bad", async () => {
  const text = `${header}\n${`${good.replace(":00Z,2026", ":30Z,2026")}\n`.repeat(20)}`;
  const { code, stderr } = await importText(text, "--dry-run");
  expect([code, stderr.split("\n").length]).toEqual([0, 5]);
  expect(stderr).toMatch(/^Line 18: More than 16 rows of ems_001 have this time/);
});

test("with --skip-bad the good rows are stored, the bad ones counted, and the first ten shown with their lines", async () => {
  const rows = badRows.map(([, row]) => row);
  const text = [header, good, ...rows, good.replace("12:00:00", "12:34:56")].join("\r\n");
  const { code, stdout, stderr } = await importText(`\ufeff${text}\r\n`, "--skip-bad");
  expect([code, stdout]).toEqual([0, expect.stringContaining(`${badRows.length} rows were bad`)]);
  expect(stdout).toMatch(/1 samples stored, 1 were known/);
  const lines = stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(11);
  expect(lines[0]).toMatch(/^Line 3: Column "observed_at"/);
  expect(lines[10]).toBe(`… and ${badRows.length - 10} more`);
  expect(await samplesStored()).toBe(2);
});

test("a file that is not there, or is a folder, is named", async () => {
  await registered;
  expect(await runCli(["import", join(folder, "no.csv"), ...target])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no such file"),
  });
  expect(await runCli(["import", folder, ...target])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("folder"),
  });
});

test("standard input is taken with -", async () => {
  await registered;
  const input = "t;Power [kW]\n2026-02-01 10:00;1,5\n";
  const map = [
    "--device",
    "ems_001",
    "--time",
    "t",
    "--map",
    "Power [kW]=grid.power*1000",
    "--utc-offset",
    "+01:00",
    "--decimal-comma",
  ];
  const { code, stderr } = await runCli(["import", "-", ...map, ...target], { input });
  expect([code, stderr]).toEqual([0, ""]);
  const csv = (await runCli(["export", "--all", "--points", "grid.power", ...target])).stdout;
  expect(csv).toMatch(/\nems_001,2026-02-01T09:00:00.000Z,[^,]+,1500\n$/);
});
