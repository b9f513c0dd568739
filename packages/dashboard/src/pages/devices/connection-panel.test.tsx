import { expect, it } from "vitest";
import { isPressing } from "./connection-panel.tsx";

const nowMs = Date.parse("2026-06-01T12:00:00Z");
const minutesAgo = (minutes: number) => nowMs - minutes * 60_000;
const refusalOf = (minutes: number) => ({
  code: "invalid_schema" as const,
  message: "A required field is missing.",
  at: new Date(minutesAgo(minutes)).toISOString(),
});

it("a refusal is pressing while it is young, or while nothing good came after it", () => {
  expect(isPressing(refusalOf(2), nowMs, nowMs)).toBe(true);
  expect(isPressing(refusalOf(300), minutesAgo(301), nowMs)).toBe(true);
  expect(isPressing(refusalOf(300), null, nowMs)).toBe(true);
});

it("a refusal of hours ago is history where messages were taken since", () => {
  expect(isPressing(refusalOf(300), minutesAgo(1), nowMs)).toBe(false);
});
