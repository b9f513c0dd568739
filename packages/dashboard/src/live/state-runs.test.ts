import type { SampleBody, Telemetry } from "@wattboard/protocol";
import { describe, expect, it } from "vitest";
import { heldValues } from "../domain/state-runs.ts";
import { PowerHistory } from "./power-history.ts";

function at(second: number, status: NonNullable<Telemetry["system_status"]>): SampleBody {
  const time = new Date(second * 1_000).toISOString();
  const telemetry = { device_id: "ems_001", timestamp: time, system_status: status };
  return { observed_at: time, received_at: time, clock: "device", telemetry };
}

function historyOf(...samples: SampleBody[]): PowerHistory {
  const history = new PowerHistory();
  history.seed(samples);
  return history;
}

describe("what a device did in the last minutes", () => {
  it("is a run for each value, and a silence belongs to none", () => {
    const history = historyOf(
      at(0, { state: "IDLE" }),
      at(1, { state: "IDLE" }),
      at(2, { state: "CHARGING" }),
      at(3, { state: "CHARGING" }),
      at(60, { state: "CHARGING" }),
      at(61, { state: "CHARGING" }),
    );
    expect(history.runs("system_status.state", 0, 5)).toEqual([
      { fromMs: 0, toMs: 2_000, value: "IDLE" },
      { fromMs: 2_000, toMs: 3_000, value: "CHARGING" },
      { fromMs: 60_000, toMs: 61_000, value: "CHARGING" },
    ]);
    expect(history.runs("system_status.mode", 0, 5)).toEqual([]);
  });

  it("tells error flags apart by what they hold", () => {
    const history = historyOf(
      at(0, { error_flags: [] }),
      at(1, { error_flags: ["OVER_TEMP"] }),
      at(2, { error_flags: ["OVER_TEMP"] }),
      at(3, { error_flags: [] }),
    );
    expect(history.runs("system_status.error_flags", 0, 5).map(({ value }) => value)).toEqual([[], ["OVER_TEMP"], []]);
  });
});

describe("the values of a band", () => {
  it("are words with a colour, and how long each was held in all", () => {
    const runs = [
      { fromMs: 0, toMs: 10, value: "IDLE" },
      { fromMs: 10, toMs: 30, value: "ERROR" },
      { fromMs: 50, toMs: 55, value: "IDLE" },
      { fromMs: 55, toMs: 90, value: null },
    ];
    expect(heldValues("system_status.state", runs)).toEqual([
      { word: "Idle", tone: "idle", heldMs: 15 },
      { word: "Error", tone: "error", heldMs: 20 },
    ]);
  });

  it("of errors stand out, and none is no error", () => {
    const runs = [
      { fromMs: 0, toMs: 10, value: [] },
      { fromMs: 10, toMs: 30, value: ["OVER_TEMP", "FAN"] },
    ];
    expect(heldValues("system_status.error_flags", runs).map(({ word, tone }) => [word, tone])).toEqual([
      ["None", "none"],
      ["OVER_TEMP, FAN", "error"],
    ]);
  });

  it("that nobody has given a colour get the next one, and from the fifth on the same", () => {
    const runs = ["a", "b", "c", "d", "e", "f"].map((value, index) => ({ fromMs: index, toMs: index + 1, value }));
    const tones = heldValues("smart_os.program", runs).map(({ tone }) => tone);
    expect(tones).toEqual(["one", "two", "three", "four", "other", "other"]);
    expect(heldValues("smart_os.boost", [{ fromMs: 0, toMs: 1, value: true }])[0]?.word).toBe("Yes");
  });
});
