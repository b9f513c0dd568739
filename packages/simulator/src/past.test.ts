import { describe, expect, test } from "vitest";
import { Past, samplesIn } from "./past.ts";
import { planFleet } from "./plan-fleet.ts";
import type { PlannedDevice } from "./planned-device.ts";

const [planned] = planFleet({ devices: 1, seed: 1 }) as [PlannedDevice];
const untilMs = Date.UTC(2026, 5, 20, 12);
const options = { seed: 1, untilMs, days: 20, steps: { recentS: 60, weekS: 900, olderS: 3_600 } };
const socOf = (sample: object | undefined) => (sample as { battery: { soc: number } }).battery.soc;

describe("Past", () => {
  test("its eras follow each other without a hole, the newest first, up to the present", () => {
    const { eras } = new Past(planned, options);
    expect(eras.map(({ stepS }) => stepS)).toEqual([60, 60, 900, 3_600]);
    expect(eras[0]?.toMs).toBe(untilMs);
    for (const [index, era] of eras.slice(1).entries()) expect(era.toMs).toBe(eras[index]?.fromMs);
    expect(eras.at(-1)?.fromMs).toBe(untilMs - 20 * 86_400_000);
  });

  test("an era is the same whichever was asked for before, and goes on from the one before it", () => {
    const past = new Past(planned, options);
    const [today, yesterday] = past.eras;
    if (today === undefined || yesterday === undefined) throw new Error("There are four.");
    const samples = [...past.samples(today)];
    const before = [...past.samples(yesterday)];
    expect(samples).toHaveLength(samplesIn(today));
    expect([...past.samples(today)]).toEqual(samples);
    // A minute moves no battery by more than some percent.
    expect(Math.abs(socOf(samples[0]?.sample) - socOf(before.at(-1)?.sample))).toBeLessThan(3);
    expect(samples.at(-1)?.timeMs).toBe(untilMs);
    expect(past.end().soc * 100).toBeCloseTo(socOf(samples.at(-1)?.sample), 1);
  });

  test("a device that was away has no samples of that time, and is told to charge at its time", () => {
    const away = { fromMs: untilMs - 3_600_000, toMs: untilMs - 1_800_000 };
    const command = { command_id: "c1", action: "SET_MODE", payload: { target_mode: "MANUAL_IDLE" } } as const;
    const past = new Past(planned, { ...options, away: [away], orders: [{ atMs: untilMs - 600_000, command }] });
    const [today] = past.eras;
    if (today === undefined) throw new Error("There are four.");
    const samples = [...past.samples(today)];
    expect(samples.filter(({ timeMs }) => timeMs >= away.fromMs && timeMs < away.toMs)).toEqual([]);
    expect(samples).toHaveLength(samplesIn(today) - 30);
    const modes = samples.map(({ sample }) => (sample.system_status as { target_mode: string }).target_mode);
    expect(modes.indexOf("MANUAL_IDLE")).toBe(modes.length - 10);
  });
});
