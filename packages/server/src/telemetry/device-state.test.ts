import { describe, expect, test } from "vitest";
import { ClockWatch, ExtraPoints } from "./device-state.ts";

describe("ClockWatch", () => {
  const nowMs = Date.UTC(2026, 0, 31, 12);

  test("believes a clock within five minutes, on either side", () => {
    expect(new ClockWatch().isBelieved(nowMs - 299_000, nowMs)).toBe(true);
    expect(new ClockWatch().isBelieved(nowMs + 299_000, nowMs)).toBe(true);
    expect(new ClockWatch().isBelieved(nowMs - 301_000, nowMs)).toBe(false);
    expect(new ClockWatch().isBelieved(Date.UTC(2099, 0, 1), nowMs)).toBe(false);
    expect(new ClockWatch().isBelieved(0, nowMs)).toBe(false);
  });

  test("stops believing a clock that stands still, and believes it again when it moves", () => {
    const watch = new ClockWatch();
    expect(watch.isBelieved(nowMs, nowMs)).toBe(true);
    expect(watch.isBelieved(nowMs, nowMs + 1_000)).toBe(true);
    expect(watch.isBelieved(nowMs, nowMs + 3_000)).toBe(false);
    expect(watch.isBelieved(nowMs + 4_000, nowMs + 4_000)).toBe(true);
  });
});

describe("ExtraPoints", () => {
  test("takes 64 names, refuses one more, and makes room for it when others were not sent for an hour", () => {
    const points = new ExtraPoints();
    for (let at = 0; at < 64; at++) expect(points.noteAll([`battery.cell_${at}`], 0)).toBe(true);
    expect(points.noteAll(["battery.cell_64"], 1_000)).toBe(false);
    expect(points.noteAll(["battery.cell_0"], 1_000)).toBe(true);
    expect(points.noteAll(["battery.cell_64"], 3_600_001)).toBe(true);
    expect(points.noteAll(["battery.cell_0"], 3_600_001)).toBe(true);
  });
});
