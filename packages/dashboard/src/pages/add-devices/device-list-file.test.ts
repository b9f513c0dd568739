import { expect, test } from "vitest";
import { decodeFile, fileLimits, formatResults, readDeviceList } from "./device-list-file.ts";

test("each row is a device; a column that is none of id, name and token is a property", () => {
  const { fault, rows } = readDeviceList(
    "Device ID;Name;country;Time-zone;tags\nems_001;Cellar;AT;Europe/Vienna;roof,roof\n\nems_002;;SE;;\n",
  );
  expect(fault).toBeNull();
  expect(rows).toEqual([
    {
      line: 2,
      deviceId: "ems_001",
      name: "Cellar",
      token: null,
      properties: { country: "AT", time_zone: "Europe/Vienna", tags: "roof" },
      fault: null,
    },
    { line: 4, deviceId: "ems_002", name: "", token: null, properties: { country: "SE" }, fault: null },
  ]);
});

test("what is wrong with a row is told by its line, as an editor counts, and the other rows stay good", () => {
  const lines = [
    "id,name,time_zone,token",
    '"ems_001","two\nlines",,',
    "ems_002,,Europe/Wien,",
    "ems 3,,,",
    "ems_001,,,",
    ",nobody,,",
    "ems_004,,,short",
    "ems_005,,,,more",
    "ems_006,,Europe/Vienna,sixteen characters",
    `ems_007,${"x".repeat(121)},,`,
  ];
  const faults = readDeviceList(lines.join("\n")).rows.map(({ line, fault }) => [line, fault]);
  expect(faults).toEqual([
    [2, null],
    [4, "“Europe/Wien” is no time zone; one is Europe/Vienna."],
    [5, expect.stringContaining("The id is none")],
    [6, "The id stands in line 2 as well."],
    [7, "It has no device_id."],
    [8, "The token has less than 16 characters."],
    [9, "It has 5 values, and the head names 4 columns."],
    [10, null],
    [11, "The name has 121 characters; at most 120 are allowed."],
  ]);
});

test.each([
  ["", "must be device_id"],
  ["name,place\ncellar,Wien", "must be device_id"],
  ["device_id", "There is no row below the head."],
  ["device_id,site,site\na,b,c", "The column site is there twice."],
  ["device_id,id\na,b", "is there twice"],
  ["device_id,größe\na,b", "“größe” is no name of a property"],
])("a file of which nothing can be taken says why: %j", (text, words) => {
  const { fault, rows } = readDeviceList(text);
  expect(fault).toContain(words);
  expect(rows).toEqual([]);
});

test("more rows than can be taken at once are refused as a whole", () => {
  const rows = Array.from({ length: fileLimits.rows + 1 }, (_, at) => `d${at}`);
  expect(readDeviceList(["device_id", ...rows].join("\n")).fault).toContain("at most 10000");
  expect(readDeviceList(["device_id", ...rows.slice(1)].join("\n")).rows).toHaveLength(fileLimits.rows);
});

test("a file of Excel is read in each of its encodings", () => {
  const text = "device_id,place\na,Linköping\n";
  const utf16 = new Uint8Array([
    0xff,
    0xfe,
    ...new Uint8Array(Uint16Array.from(text, (sign) => sign.charCodeAt(0)).buffer),
  ]);
  const western = Uint8Array.from(text, (sign) => sign.charCodeAt(0));
  const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...new TextEncoder().encode(text)]);
  for (const bytes of [new TextEncoder().encode(text), marked, utf16, western]) expect(decodeFile(bytes)).toBe(text);
});

test("the result has a line for each device, and no formula", () => {
  const result = { line: 2, deviceId: "a", outcome: "refused", token: "", message: '=1+1, "odd"' } as const;
  expect(formatResults([result])).toBe('line,device_id,outcome,token,message\r\n2,a,refused,,"\'=1+1, ""odd"""');
});
