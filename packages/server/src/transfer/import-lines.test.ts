import { limits } from "@wattboard/protocol";
import { expect, test } from "vitest";
import { ImportJudge } from "./import/import-sample.ts";
import { judgeLines } from "./import-lines.ts";

const nowMs = Date.UTC(2026, 0, 31, 12);

/** What the lines come to, and in how many steps. */
function judge(...lines: string[]) {
  const work = judgeLines(lines.join("\n"), new ImportJudge(nowMs, (deviceId) => deviceId === "ems_001"), nowMs);
  for (let steps = 0; ; steps++) {
    const { done, value } = work.next();
    if (done) return { steps, outcome: value as unknown };
  }
}

const lineOf = (points: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ device_id: "ems_001", observed_at: "2026-01-31T11:00:00Z", points });
const named = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`extra.p${at}`, 1]));

test("each line is a step of its own, so that a long import holds up nobody", () => {
  const { steps, outcome } = judge(lineOf({ "grid.power": 1 }), "", ...Array.from({ length: 98 }, () => lineOf({})));
  expect(outcome).toMatchObject({ samples: { length: 99 } });
  expect(steps).toBe(100);
});

test("a line that is too long is refused, with its number", () => {
  const { outcome } = judge(lineOf({}), lineOf(named(60_000)));
  expect(outcome).toMatchObject({
    code: "invalid_schema",
    message: expect.stringMatching(/Line 2 .*65536 are allowed/),
  });
});

test.each([
  ["a name that is none", { "a.b.c": 1 }, '"a.b.c"'],
  ["a number beyond belief", { "battery.soc": 1_000 }, "battery.soc: No measurement"],
  ["a text where a number belongs", { "grid.voltage": "much" }, "grid.voltage"],
  ["a section in a section", { "grid.power": { now: 1 } }, "It is neither a number"],
  ["a list of numbers", { "battery.cells": [3.2, 3.3] }, "nor a list of texts"],
  ["too long a text", { "heater.note": "x".repeat(5_000) }, ""],
])("a line with %s is kept without it, which is told", (_what, bad, reason) => {
  const { outcome } = judge(lineOf({}), lineOf({ "grid.power": 1, "site.note": "x", ...bad }), lineOf(bad));
  const [point = ""] = Object.keys(bad);
  // Of the last one nothing is left; a sample that had nothing from the start stays one.
  const isPower = point === "grid.power";
  expect(outcome).toMatchObject({
    samples: [{ pointNames: [] }, { pointNames: isPower ? ["site.note"] : ["grid.power", "site.note"] }],
    valuesLeftOut: 2,
    leftOut: [2, 3].map((line) => ({
      line,
      point: expect.stringContaining(point),
      reason: expect.stringContaining(reason),
    })),
  });
});

test("a line with a name that is a section and a point is left out, since nobody can say which of the two is right", () => {
  const { outcome } = judge(lineOf({}), lineOf({ a: 1, "a.b": 1 }));
  const reason = expect.stringContaining("a is a point and a section");
  expect(outcome).toMatchObject({ samples: [{ pointNames: [] }], valuesLeftOut: 2, leftOut: [{ reason }, { reason }] });
});

test("of a line with more points than a device may have those beyond are left out, and the first of them named", () => {
  const { outcome } = judge(lineOf(named(400)));
  expect(outcome).toMatchObject({
    samples: [{ pointNames: { length: limits.extraPointsMax } }],
    valuesLeftOut: 400 - limits.extraPointsMax,
    leftOut: { length: 20 },
  });
});

test("a line may hold as many points as a device may have", () => {
  expect(judge(lineOf(named(64))).outcome).toMatchObject({ samples: [{}], valuesLeftOut: 0 });
});
