import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeFolder, runCli, runCliHere, runJson, untilFileEnds } from "../support/run-cli.ts";

const until = untilFileEnds();
const folder = makeFolder(until);
const target = ["--data-dir", join(folder, "data")];
const registered = runJson(["device", "add", "--create-folder", "ems_001", ...target], { until });

async function importText(text: string | Buffer, ...args: string[]) {
  await registered;
  const file = join(folder, `${Math.random()}.csv`);
  writeFileSync(file, text);
  return await runCliHere(["import", file, ...args, ...target], { cwd: folder });
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
  ["a time that is none", "ems_001,yesterday,,85,[],x", 'Column "observed_at": "yesterday" is no time'],
  ["a time without an offset", "ems_001,2026-01-31 12:00:00,,85,[],x", "--time-zone Europe/Vienna, or --utc-offset"],
  ["a day that could be a month", "ems_001,01/02/2026 12:00,,85,[],x", "--time-format 'DD/MM/YYYY HH:mm'"],
  ["a time to come", "ems_001,2999-01-31T12:00:00Z,,85,[],x", "from 1970 until now"],
  ["a time before 1970", "ems_001,1969-01-31T12:00:00Z,,85,[],x", "from 1970 until now"],
  ["a cell too few", "ems_001,2026-01-31T12:00:00Z,,85,[]", "5 cells, and the header 6"],
  ["a cell too many", "ems_001,2026-01-31T12:00:00Z,,85,[],x,y", "7 cells, and the header 6"],
  ["a device that is not registered", "nobody,2026-01-31T12:00:00Z,,85,[],x", 'It is "nobody"; register it first'],
  ["a device id that can be none", "../etc,2026-01-31T12:00:00Z,,85,[],x", '"../etc" is no device id'],
  ["a quote in the middle", 'ems_001,2026-01-31T12:00:00Z,,85,[],say "hi"', "quote"],
  ["something behind a closing quote", 'ems_001,2026-01-31T12:00:00Z,,85,[],"say" hi', "quote"],
] as const;

const badCells = [
  ["a number that is none", "ems_001,2026-01-31T12:01:00Z,,full,[],x", '"battery.soc": "full" is no number'],
  ["a decimal comma", 'ems_001,2026-01-31T12:02:00Z,,"85,5",[],x', "--decimal-comma"],
  ["a number beyond all", "ems_001,2026-01-31T12:03:00Z,,1e999,[],x", "too large"],
  ["a number of 100,000 digits", `ems_001,2026-01-31T12:03:30Z,,${"9".repeat(10_000)},[],x`, "is no number"],
  ["a number out of its range", "ems_001,2026-01-31T12:04:00Z,,1000,[],x", "No measurement"],
  ["flags that are no list", "ems_001,2026-01-31T12:05:00Z,,85,E01,x", "JSON list"],
  ["a text too long", `ems_001,2026-01-31T12:06:00Z,,85,[],${"x".repeat(300)}`, "256 characters"],
] as const;

interface Result {
  readonly stored: number;
  readonly known: number;
  readonly bad: number;
  readonly faults: readonly string[];
  readonly preview: { readonly rows_left_out: number; readonly cells_left_out: number };
}

async function importRows(rows: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await importText([header, ...rows, ""].join("\r\n"), "--json", "--yes");
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Result;
}

test("without --yes nothing of a file is stored of which something would be left out, and it is said what to do", async () => {
  const [, row] = badRows[0];
  const { code, stdout, stderr } = await importText(`${header}\n${good}\n${row}\n`);
  expect([code, stderr]).toEqual([2, expect.stringContaining("--yes")]);
  expect(stdout).toContain('left out: 1 row of observed_at, such as "yesterday" in line 3: is no time.');
  expect(await samplesStored()).toBe(0);
});

test("a file of which nothing can be stored is refused, with its first fault", async () => {
  const { code, stderr } = await importText(`${header}\n${badRows[0][1]}\n`, "--yes");
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/Nothing of it can be stored. Line 2: Column "observed_at"/),
  ]);
});

test("a bad row costs itself: each is counted and told with its line, and those around it are stored", async () => {
  const result = await importRows([good, ...badRows.map(([, row]) => row), good.replace("12:00:00", "12:34:56")]);
  expect(result).toMatchObject({ stored: 2, bad: badRows.length });
  const shown = badRows.slice(0, 10);
  expect(result.faults).toEqual(
    shown.map(([, , expected], at) => expect.stringMatching(new RegExp(`^Line ${at + 3}: .*${literally(expected)}`))),
  );
});

test("a bad cell costs itself: what else is in its row is stored", async () => {
  const result = await importRows(badCells.map(([, row]) => row));
  expect(result).toMatchObject({ stored: badCells.length, bad: 0, preview: { cells_left_out: badCells.length } });
  expect(result.faults).toEqual(badCells.map(([, , expected]) => expect.stringContaining(expected)));
});

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

test("a file whose rows all have one time is not gathered in memory: after sixteen its rows are left out", async () => {
  const text = `${header}\n${`${good.replace(":00Z,2026", ":30Z,2026")}\n`.repeat(20)}`;
  const { code, stdout } = await importText(text, "--dry-run");
  expect(code).toBe(0);
  expect(stdout).toContain("left out: 4 rows, such as line 18: More than 16 rows of ems_001 have this time");
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
    "--yes",
  ];
  const { code, stderr } = await runCli(["import", "-", ...map, ...target], { input });
  expect([code, stderr]).toEqual([0, ""]);
  const csv = (await runCli(["export", "--all", "--points", "grid.power", ...target])).stdout;
  expect(csv).toMatch(/\nems_001,2026-02-01T09:00:00.000Z,[^,]+,1500\n$/);
});
