import { expect, test } from "vitest";
import { isRefusal, refuse } from "./refusals.ts";

test("a refusal is told from what would have been given, also behind JSON and a change of its words", () => {
  const refusal = refuse("unknown_device", "It was asked for as ems_001.");
  expect(isRefusal(refusal)).toBe(true);
  expect(isRefusal(JSON.parse(JSON.stringify(refusal)))).toBe(true);
  expect(isRefusal({ ...refusal, message: "Line 3" })).toBe(true);
});

test("what has a code that is not of the table is no refusal", () => {
  expect(isRefusal({ code: "E01", message: "An inverter says so." })).toBe(false);
  expect(isRefusal({ code: "toString", message: "" })).toBe(false);
  expect(isRefusal({ code: 404 })).toBe(false);
  expect(isRefusal(Object.assign(new Error("no such file"), { code: "ENOENT" }))).toBe(false);
  for (const other of [undefined, null, "unknown_device", [], {}]) expect(isRefusal(other)).toBe(false);
});
