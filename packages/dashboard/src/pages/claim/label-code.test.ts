import { expect, test } from "vitest";
import { readLabelCode } from "./label-code.ts";

test("the code is what stands behind the last point: an id may have some of its own", () => {
  expect(readLabelCode("#ems_001.7K3QF-9XM2A", null)).toEqual({ device_id: "ems_001", code: "7K3QF-9XM2A" });
  expect(readLabelCode("#site.7.box.7K3QF", null)).toEqual({ device_id: "site.7.box", code: "7K3QF" });
  expect(readLabelCode("#a%2Eb.7K3QF", null)).toEqual({ device_id: "a.b", code: "7K3QF" });
});

test("without a fragment it is what the history has kept; else there is none", () => {
  expect(readLabelCode("", { "wattboard.claim": "box.7K3QF" })).toEqual({ device_id: "box", code: "7K3QF" });
  for (const hash of ["", "#", "#box", "#.7K3QF", "#box.", "#%"]) expect(readLabelCode(hash, null)).toBeNull();
  expect(readLabelCode("", { "wattboard.claim": 7 })).toBeNull();
});
