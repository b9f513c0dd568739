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
  expect(outcome).toHaveLength(99);
  expect(steps).toBe(100);
});

test.each([
  ["more points than a device may have", lineOf(named(400)), "too_many_points", "The sample has 400 points."],
  ["a name that is a section and a point", lineOf({ a: 1, "a.b": 1 }), "invalid_name", "a is a point and a section"],
  ["a name that is none", lineOf({ "a.b.c": 1 }), "invalid_name", '"a.b.c"'],
  ["60,000 names", lineOf(named(60_000)), "invalid_schema", "65536 are allowed"],
])("a line with %s is refused, with its number", (_what, line, code, message) => {
  const { outcome } = judge(lineOf({}), line);
  expect(outcome).toMatchObject({ code, message: expect.stringContaining(message) });
  expect(outcome).toMatchObject({ message: expect.stringMatching(/[Ll]ine 2/) });
});

test("a line may hold as many points as a device may have", () => {
  expect(judge(lineOf(named(64))).outcome).toHaveLength(1);
});
