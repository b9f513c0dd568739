import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTime } from "../base/parse-time.ts";
import type { PointValue } from "../store/algebra/point-value.ts";
import type { PointSample } from "../store/store.ts";
import { parseMapping } from "./csv-columns.ts";
import { writeCsv } from "./export/csv-export.ts";
import { exportColumns } from "./export/export-columns.ts";
import { type CsvOptions, type CsvRow, readCsv } from "./import/csv-import.ts";

const options: CsvOptions = { timeColumn: "observed_at", decimalComma: false, receivedAtMs: 1_000 };

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function read(text: string | Buffer, changes: Partial<CsvOptions> = {}): Promise<CsvRow[]> {
  return await collect(readCsv(Readable.from([Buffer.from(text)]), { ...options, ...changes }));
}

/** What an import makes of what an export has written of samples with these points. */
async function thereAndBack(samples: readonly Record<string, PointValue>[]): Promise<unknown[]> {
  const page = samples.map((points, seq): PointSample => {
    const atMs = 1_700_000_000_000 + seq;
    return { observedAtMs: atMs, receivedAtMs: atMs + 20, deviceTimeMs: atMs, clock: "device", epoch: 1, seq, points };
  });
  const columns = exportColumns([
    ["extra.value", "system_status.state", "system_status.error_flags"].map((name) => ({
      name,
      kinds: ["number", "text"] as const,
    })),
  ]);
  async function* pages() {
    yield { deviceId: "ems_001", samples: page };
  }
  const rows = await read(Buffer.concat(await collect(writeCsv(pages(), columns))));
  return rows.map((row) => ("sample" in row ? row.sample.points : row.fault));
}

test("every number, text and boolean of a point, and the flags, come back from a CSV as they were; null and none as nothing", async () => {
  const scalar = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.string({ unit: "binary", maxLength: 20 }).filter((text) => text.isWellFormed()),
    fc.constantFrom(
      "",
      " ",
      "1",
      "-1e5",
      "true",
      "null",
      "[]",
      'say "hi"',
      "a,b",
      "a\nb",
      "a\r\nb",
      "\ufeff",
      "=1+1",
      "'=1",
      "''@x",
      "-5",
      "\tx",
      "＝1",
      "x;=1+1;y",
      "x;'\"-1|+2",
      "1".repeat(33),
    ),
    fc.boolean(),
    fc.constant(null),
  );
  const sample = fc.record({
    "extra.value": scalar,
    "system_status.state": fc.constantFrom("IDLE", "FULL"),
    "system_status.error_flags": fc.array(fc.oneof(fc.string(), fc.constant("E1;=1+1;'")), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(sample, { minLength: 1, maxLength: 20 }), async (samples) => {
      const expected = samples.map(({ "extra.value": value, ...rest }) => ({
        ...rest,
        ...(value !== null && { "extra.value": value }),
      }));
      expect(await thereAndBack(samples)).toEqual(expected);
    }),
  );
});

describe("a foreign CSV", () => {
  const points = (row: CsvRow | undefined) => (row !== undefined && "sample" in row ? row.sample.points : row?.fault);

  test("is read with its separator found out, a BOM passed over, CRLF at its line ends, and decimal commas where they are announced", async () => {
    const text = "\ufeffZeit;Netz [kW];SoC\r\n2026-01-31T12:00:00Z;1,25;80\r\n1769860801;-0,07;\r\n";
    const mappings = ["Netz [kW]=grid.power*1000", "SoC=battery.soc"].map(parseMapping) as never;
    const rows = await read(text, { deviceId: "ems_001", timeColumn: "Zeit", decimalComma: true, mappings });
    expect(rows.map(points)).toEqual([{ "grid.power": 1250, "battery.soc": 80 }, { "grid.power": -70 }]);
    expect(rows.map((row) => "sample" in row && row.sample.observedAtMs)).toEqual([
      1_769_860_800_000, 1_769_860_801_000,
    ]);
  });

  test("with local times needs their offset, and says so", async () => {
    const text = "t,load.power\n2026-01-31 12:00,400\n";
    const [refused] = await read(text, { deviceId: "ems_001", timeColumn: "t" });
    expect(points(refused)).toContain("--utc-offset +01:00");
    const [row] = await read(text, { deviceId: "ems_001", timeColumn: "t", offsetMinutes: 60 });
    expect(row).toMatchObject({ sample: { observedAtMs: Date.UTC(2026, 0, 31, 11) } });
  });

  test.each([
    ["soc=battery.soc", { column: "soc", point: "battery.soc", factor: 1 }],
    ["a=b = grid.power * 1e3", { column: "a=b", point: "grid.power", factor: 1000 }],
    ["soc", expect.stringContaining("COLUMN=point")],
    ["=grid.power", expect.stringContaining("COLUMN=point")],
    ["soc=battery soc", expect.stringContaining("no name of a point")],
    ["soc=battery.soc*kilo", expect.stringContaining("no number")],
    ["t=timestamp", expect.stringContaining("no name of a point")],
  ])("is mapped by %s", (text, expected) => {
    expect(parseMapping(text)).toEqual(expected);
  });
});

test.each([
  ["-24h", 1e12 - 86_400_000],
  ["-30d", 1e12 - 30 * 86_400_000],
  ["now", 1e12],
  ["2026-01-31", Date.UTC(2026, 0, 31)],
  ["2026-01-31T12:00:00+01:00", Date.UTC(2026, 0, 31, 11)],
  ["24h", Number.NaN],
  ["2026-02-30", Number.NaN],
  ["yesterday", Number.NaN],
])("the time %s is understood, or is none", (text, expected) => {
  expect(parseTime(text, 1e12, "UTC")).toBe(expected);
});
