import { Buffer } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { points } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import * as flags from "../../../packages/server/dist/cli/import-arguments.js";
import type { CsvOptions } from "../../../packages/server/dist/transfer/import/csv-import.js";
import { importCsv } from "../../../packages/server/dist/transfer/import/import-csv.js";
import { ImportJudge, type ImportSample } from "../../../packages/server/dist/transfer/import/import-sample.js";
import { makeFolder, runCli, runJson, untilFileEnds } from "../../support/run-cli.ts";

/**
 * Files as spreadsheets, loggers and portals write them (`files/`, made anew from public reports; others are made here): each is read by the flags
 * of the command line, in this process; what is stored of them, and what is asked before, is tried with the command line itself.
 */

const fileOf = (name: string): string => join(import.meta.dirname, "files", name);

type Parse = (text: string, before?: never) => unknown;
const parsers: Readonly<Record<string, Parse>> = {
  map: flags.mappings,
  where: flags.where,
  timeZone: flags.timeZone,
  timeFormat: flags.timeFormat,
  utcOffset: flags.utcOffset,
  encoding: flags.encoding,
  headerLine: flags.line,
  separator: flags.oneSign,
  thousands: flags.oneSign,
};

/** What the flags say, as the command passes it on. */
function optionsOf(args: readonly string[]): CsvOptions {
  const given: Record<string, unknown> = {};
  for (let at = 0; at < args.length; at++) {
    const name = (args[at] as string).slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    if (name === "decimalComma") given[name] = true;
    else {
      const text = args[++at] as string;
      given[name] = parsers[name]?.(text, given[name] as never) ?? text;
    }
  }
  return {
    ...given,
    deviceId: "d1",
    timeColumn: String(given.time),
    mappings: given.map as never,
    nulls: new Set(given.null === undefined ? [] : [String(given.null).toLowerCase()]),
    receivedAtMs: Date.now(),
  };
}

/** Reads the text, or the file of that name; `time points…` of each sample that would be stored, by time and in the catalogue's order. */
async function importFile(content: string | Buffer | { readonly file: string }, ...args: string[]) {
  const isFile = typeof content === "object" && "file" in content;
  const bytes = isFile ? readFileSync(fileOf(content.file)) : Buffer.from(content);
  // In pieces, as a disk or a network gives them.
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.subarray(at * 7, at * 7 + 7));
  const taken: ImportSample[] = [];
  const tally = await importCsv({
    file: Readable.from(pieces),
    options: optionsOf(args),
    judge: new ImportJudge(Date.now(), () => true),
    async take(samples) {
      taken.push(...samples);
    },
  });
  const preview = tally.preview();
  const order = points.map(({ name }) => name).filter((name) => preview.columns.some(({ point }) => point === name));
  const rows = taken
    .sort((a, b) => a.observedAtMs - b.observedAtMs)
    .map(({ observedAtMs, points: values }) => {
      const time = new Date(observedAtMs).toISOString().replace(".000Z", "Z");
      return [time, ...order.map((name) => String(values[name] ?? ""))].join(" ");
    });
  return { rows, bad: preview.rows_left_out, preview };
}

const vienna = ["--time-zone", "Europe/Vienna"];
const german = ["--decimal-comma", ...vienna];
const power = (column: string, factor = ""): string[] => ["--map", `${column}=grid.power${factor}`];

test("a German Excel file: BOM, semicolons, decimal commas, days first, CRLF, local times", async () => {
  const maps = ["Netz [kW]=grid.power*1000", "PV [kW]=solar.power*1000", "Ladezustand [%]=battery.soc"];
  const args = [...maps.flatMap((each) => ["--map", each]), "--time", "Zeit", ...german];
  const { rows, bad } = await importFile({ file: "excel-german.csv" }, ...args);
  expect([rows.length, bad]).toEqual([12, 0]);
  expect(rows[0]).toBe("2026-04-30T22:00:00Z 50 -1234 1500");
  const iso = await importFile({ file: "excel-german-iso-times.csv" }, ...args);
  expect(iso.rows).toEqual(rows);
});

test("thousands are parted by a point, a blank of any kind or an apostrophe", async () => {
  const { rows } = await importFile({ file: "excel-thousands.csv" }, ...power("Netz [W]"), "--time", "Zeit", ...german);
  expect(rows).toEqual(["2026-04-30T22:00:00Z 1234.5", "2026-04-30T22:05:00Z -12000"]);
  const spellings = [
    "1.234.567,5",
    "1 234 567,5",
    "1\u00a0234\u00a0567,5",
    "1\u202f234\u202f567,5",
    "1'234'567,5",
    "1’234’567,5",
  ];
  const lines = spellings.map((text, at) => `2026-05-01 00:0${at};${text}`);
  const all = await importFile(`t;p\n${lines.join("\n")}\n`, ...power("p"), "--time", "t", ...german);
  expect(all.rows.map((row) => row.split(" ")[1])).toEqual(spellings.map(() => "1234567.5"));
  const english = await importFile(
    't,p\n2026-05-01 00:00,"1,234.5"\n2026-05-01 00:01,"1,234,567"\n2026-05-01 00:02,"1,234"\n',
    ...power("p"),
    "--time",
    "t",
    ...vienna,
  );
  expect(english.rows.map((row) => row.split(" ")[1])).toEqual(["1234.5", "1234567"]);
  // It could be 1.234 as well.
  expect(english.preview.left_out[0]?.reason).toContain("--thousands ,");
});

test("one that says its separator in its first line", async () => {
  const { rows } = await importFile({ file: "excel-sep-line.csv" }, ...power("Netz [W]"), "--time", "Zeit", ...vienna);
  expect(rows).toEqual(["2026-04-30T22:00:00Z 300", "2026-04-30T22:05:00Z 310"]);
  const odd = await importFile("sep=^\r\nt^a,b\r\n2026-05-01T00:00:00Z^7\r\n", ...power("a,b"), "--time", "t");
  expect(odd.rows).toEqual(["2026-05-01T00:00:00Z 7"]);
});

describe("every encoding that spreadsheets write", () => {
  const text = "Zeit\tWärmepumpe [W]\r\n2026-05-01 00:00\t300\r\n";
  const args = ["--map", "Wärmepumpe [W]=load.power", "--time", "Zeit", ...vienna];
  const little = Buffer.from(text, "utf16le");
  const big = Buffer.from(little).swap16();

  test.each([
    ["utf-8", Buffer.from(text)],
    ["utf-8", Buffer.from(`\ufeff${text}`)],
    ["utf-16le", Buffer.concat([Buffer.from([0xff, 0xfe]), little])],
    ["utf-16be", Buffer.concat([Buffer.from([0xfe, 0xff]), big])],
    ["utf-16le", little],
    ["utf-16be", big],
    ["windows-1252", Buffer.from(text, "latin1")],
  ])("%s is found out", async (encoding, bytes) => {
    const { rows, preview } = await importFile(bytes, ...args);
    expect([rows, preview.encoding]).toEqual([["2026-04-30T22:00:00Z 300"], encoding]);
  });

  test("and any other can be said", async () => {
    const bytes = Buffer.concat([
      Buffer.from("t;"),
      Buffer.from([0x84, 0xae, 0xac]),
      Buffer.from("\n2026-05-01 00:00;5\n"),
    ]);
    const args = ["--map", "Дом=load.power", "--time", "t", ...vienna, "--encoding", "ibm866"];
    expect((await importFile(bytes, ...args)).rows).toEqual(["2026-04-30T22:00:00Z 5"]);
  });
});

test("the file as it stands, in UTF-16 with tabs", async () => {
  const { rows } = await importFile(
    { file: "excel-unicode-text-utf16.csv" },
    ...power("Netz [W]"),
    "--time",
    "Zeit",
    ...vienna,
  );
  expect(rows).toEqual(["2026-04-30T22:00:00Z 300", "2026-04-30T22:05:00Z 310"]);
});

test("a logger's lines above the header, and its units between header and rows, are passed over", async () => {
  const args = ["--time", "dd/MM/yyyy HH:mm:ss", "--time-format", "DD/MM/YYYY HH:mm:ss", ...power("Pac"), ...german];
  const { rows, preview } = await importFile({ file: "preamble-of-logger.csv" }, ...args);
  expect(rows).toEqual(["2026-05-01T10:00:00Z 1500", "2026-05-01T10:05:00Z 1520"]);
  expect(preview.header_line).toBe(4);
  expect((await importFile({ file: "preamble-of-logger.csv" }, ...args, "--header-line", "4")).rows).toEqual(rows);
  const units = "Logger 7\n\nTime;P\n;kW\n2026-05-01T00:00:00Z;1.5\n";
  const found = await importFile(units, ...power("P", "*1000"), "--time", "Time");
  expect([found.rows, found.bad]).toEqual([["2026-05-01T00:00:00Z 1500"], 1]);
});

test("a portal's quarters of an hour", async () => {
  const maps = ["--map", "Grid W=grid.power,PV W=solar.power,Load W=load.power,SoC=battery.soc"];
  const { rows, preview } = await importFile({ file: "portal-15-min.csv" }, "--time", "Time", ...maps);
  expect(rows[0]).toBe("2026-04-30T22:00:00Z 55 400 600 1000");
  expect(preview.rows_left_out + preview.cells_left_out).toBe(0);
});

describe("the night in which clocks are set back", () => {
  test("both hours are stored, told apart by their order", async () => {
    const { rows } = await importFile(
      { file: "fold-night-local-times.csv" },
      "--time",
      "ts",
      ...power("grid"),
      ...vienna,
    );
    expect(rows.map((row) => row.split(" ")[1]).slice(0, 20)).toEqual(
      Array.from({ length: 20 }, (_, at) => `${1000 + at}`),
    );
    expect(rows[8]).toBe("2025-10-26T00:00:00Z 1008");
    expect(rows[12]).toBe("2025-10-26T01:00:00Z 1012");
  });

  test("also where the newest row stands first, and where two devices take turns", async () => {
    const [header = "", ...lines] = readFileSync(fileOf("fold-night-local-times.csv"), "utf8").trimEnd().split("\n");
    const args = ["--time", "ts", ...power("grid"), ...vienna];
    const { rows: expected } = await importFile({ file: "fold-night-local-times.csv" }, ...args);
    const backwards = await importFile([header, ...lines.reverse()].join("\n"), ...args);
    expect(backwards.rows).toEqual(expected);
  });

  test("a time that clocks skipped is left out, and it is said why", async () => {
    const text = "ts,p\n2026-03-29 01:45,1\n2026-03-29 02:15,2\n2026-03-29 03:00,3\n";
    const { rows, preview } = await importFile(text, "--time", "ts", ...power("p"), ...vienna);
    expect(rows).toEqual(["2026-03-29T00:45:00Z 1", "2026-03-29T01:00:00Z 3"]);
    expect(preview.left_out[0]?.reason).toContain("skipped in Europe/Vienna");
  });
});

test("lines that end with CR alone", async () => {
  const { rows } = await importFile({ file: "cr-only.csv" }, "--time", "ts", ...power("grid"));
  expect(rows).toEqual(["2026-05-01T12:00:00Z 1", "2026-05-01T12:00:10Z 2"]);
});

test("words for no value, blanks between thousands, a typesetter's minus; a bad cell costs itself", async () => {
  const args = ["--time", "ts", "--map", "grid=grid.power,soc=battery.soc"];
  const { rows, preview } = await importFile({ file: "nan-words.csv" }, ...args);
  expect(rows).toEqual(["2026-05-01T12:00:00Z 55 ", "2026-05-01T12:00:20Z 55 ", "2026-05-01T12:00:30Z  1234"]);
  // −55 % is a number, and no state of charge.
  expect(preview).toMatchObject({ cells_left_out: 1, rows_left_out: 0, left_out: [{ column: "soc", count: 1 }] });
  const own = await importFile(
    "ts,p,q\n2026-05-01T12:00:00Z,k.A.,5\n2026-05-01T12:00:10Z,n.v.,6\n",
    "--time",
    "ts",
    "--map",
    "p=grid.power,q=solar.power",
    "--null",
    "K.A.",
  );
  expect(own.rows).toEqual(["2026-05-01T12:00:00Z  5", "2026-05-01T12:00:10Z  6"]);
  expect(own.preview.left_out).toMatchObject([{ column: "p", count: 1, reason: "is no number." }]);
});

test.each([
  ["D/M/YYYY h:mm a", "1/5/2026 12:05 am", "2026-04-30T22:05:00Z"],
  ["MM/DD/YYYY hh:mm:ss a", "05/01/2026 01:05:30 PM", "2026-05-01T11:05:30Z"],
  ["%d.%m.%y %H:%M", "01.05.26 00:05", "2026-04-30T22:05:00Z"],
  ["YYYYMMDDHHmmss", "20260501000500", "2026-04-30T22:05:00Z"],
  ["D MMM YYYY HH:mm", "1 May 2026 00:05", "2026-04-30T22:05:00Z"],
  ["YYYY-MM-DD HH:mm:ss Z", "2026-05-01 00:05:00 +0530", "2026-04-30T18:35:00Z"],
  ["DD.MM.YYYY HH:mm", "30.04.2026 24:00", "2026-04-30T22:00:00Z"],
  ["excel", "46143,0034722222", "2026-04-30T22:05:00Z"],
  ["epoch-ms", "1777586700000", "2026-04-30T22:05:00Z"],
  ["epoch-s", "1777586700.0", "2026-04-30T22:05:00Z"],
  [null, "1777586700", "2026-04-30T22:05:00Z"],
  [null, "1777586700000000000", "2026-04-30T22:05:00Z"],
  [null, "2026/05/01 0:05", "2026-04-30T22:05:00Z"],
  [null, "1.5.2026, 00:05:00", "2026-04-30T22:05:00Z"],
  [null, "2026-05-01T00:05", "2026-04-30T22:05:00Z"],
  [null, "2026-05-01 00:05:00,000", "2026-04-30T22:05:00Z"],
])("times as %s: %s", async (format, text, expected) => {
  const args = format === null ? [] : ["--time-format", format];
  const { rows } = await importFile(`ts;p\n${text};7\n`, "--time", "ts", ...power("p"), ...vienna, ...args);
  expect(rows).toEqual([`${expected} 7`]);
});

test("a date and a time of day in two columns; a day that could be a month is asked about", async () => {
  const { rows } = await importFile(
    "Datum;Uhrzeit;p\n1.5.2026;0:05;7\n",
    "--time",
    "Datum + Uhrzeit",
    ...power("p"),
    ...vienna,
  );
  expect(rows).toEqual(["2026-04-30T22:05:00Z 7"]);
  const asked = await importFile("ts,p\n05/01/2026 00:05,7\n", "--time", "ts", ...power("p"), ...vienna);
  expect(asked.rows).toEqual([]);
  expect(asked.preview.left_out[0]?.reason).toContain("--time-format 'DD/MM/YYYY HH:mm'");
});

describe("by the command line", () => {
  const until = untilFileEnds();
  const folder = makeFolder(until);
  const target = ["--data-dir", join(folder, "data")];
  const csv = join(folder, "long.csv");
  writeFileSync(
    csv,
    "ts,sensor,value\n2026-05-01T12:00:00Z,grid,100\n2026-05-01T12:00:00Z,soc,55\n2026-05-01T12:01:00Z,grid,200\n",
  );
  const words = (sensor: string, point: string): string[] => [
    "import",
    csv,
    "--device",
    "d1",
    "--time",
    "ts",
    "--where",
    `sensor=${sensor}`,
    "--map",
    `value=${point}`,
    ...target,
  ];
  const stored = async (): Promise<string> => (await runCli(["export", "--all", ...target])).stdout;

  test("without --yes, and nobody to ask, it is shown what was understood, nothing is stored, and it is said what to do", async () => {
    await runJson(["device", "add", "--create-folder", "d1", ...target]);
    const { code, stdout, stderr } = await runCli(words("grid", "grid.power"));
    expect([code, stderr]).toEqual([2, expect.stringContaining("say --yes")]);
    expect(stdout).toContain("value -> grid.power: 2 values");
    expect(stdout).toContain("from 2026-05-01T12:00:00.000Z to 2026-05-01T12:01:00.000Z");
    expect(await stored()).not.toContain("d1,");
  });

  test("a file with a row a point is imported point by point, and a second time doubles nothing", async () => {
    const run = (sensor: string, point: string) => runJson<object>([...words(sensor, point), "--yes"]);
    expect(await run("grid", "grid.power")).toMatchObject({ stored: 2, known: 0 });
    expect(await run("soc", "battery.soc")).toMatchObject({ stored: 1, known: 0 });
    expect(await run("soc", "battery.soc")).toMatchObject({ stored: 0, known: 1 });
    expect(await run("grid", "grid.power")).toMatchObject({ stored: 0, known: 2 });
    expect((await stored()).match(/Z,[^,]*,\d*$/gm)).toEqual(["Z,,100", "Z,55,", "Z,,200"]);
  });
});
