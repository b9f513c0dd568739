import { describe, expect, test } from "vitest";
import { DeviceState } from "./device-state.ts";
import type { Sample } from "./sample.ts";

describe("DeviceState", () => {
  const sample = (observedAtMs: number, power: number): [Sample, Buffer] => {
    const values = { device_id: "ems_001", grid: { power } };
    const stamps = { receivedAtMs: observedAtMs + 5, clock: "device", epoch: 3, seq: power } as const;
    const reading = { deviceId: "ems_001", deviceTimeMs: observedAtMs - 1, values, observedAtMs, ...stamps };
    return [reading, Buffer.from(JSON.stringify(values))];
  };

  test("gives the latest sample whole, whether it was asked for before or not, and the same until the next", () => {
    const device = new DeviceState("ems_001", "ems_001");
    expect([device.latest, device.latestFrame]).toEqual([null, null]);
    for (const [at, asks] of [false, true, true, false, true].entries()) {
      const [reading, frame] = sample(1_000 + at, at);
      expect(device.offer(reading, frame)).toBe(true);
      expect(device.latestFrame).toEqual(frame);
      if (!asks) continue;
      expect(device.latest).toEqual(reading);
      expect(device.latest).toBe(device.latest);
    }
  });

  test("does not take a late sample for the latest, but takes one of the same instant", () => {
    const device = new DeviceState("ems_001", "ems_001");
    device.offer(...sample(1_000, 1));
    expect(device.offer(...sample(999, 2))).toBe(false);
    expect(device.latest).toEqual(sample(1_000, 1)[0]);
    expect(device.offer(...sample(1_000, 3))).toBe(true);
    expect(device.latest?.seq).toBe(3);
  });

  test("takes what comes now for newer than what was stamped while the server's clock was ahead", () => {
    const nowMs = Date.UTC(2026, 0, 31, 12);
    const device = new DeviceState("ems_001", "ems_001");
    device.offer(...sample(nowMs + 3_600_000, 1));
    expect(device.offer(...sample(nowMs, 2))).toBe(true);
    expect(device.latest?.observedAtMs).toBe(nowMs);
    // From there on the newest counts again.
    expect(device.offer(...sample(nowMs - 100, 3))).toBe(false);
    expect(device.offer(...sample(nowMs + 100, 4))).toBe(true);
  });

  test("keeps, point by point, the newest value of messages that hold different points, each with its own time", () => {
    const device = new DeviceState("ems_001", "ems_001");
    const say = (
      observedAtMs: number,
      seq: number,
      section: string,
      fields: Record<string, number>,
      pointSet: number,
    ) => {
      const values = { device_id: "ems_001", [section]: fields };
      const stamps = { receivedAtMs: observedAtMs + 5, clock: "device", epoch: 3, seq } as const;
      const frame = Buffer.from(JSON.stringify(values));
      return device.offer(
        { deviceId: "ems_001", deviceTimeMs: observedAtMs, values, observedAtMs, ...stamps },
        frame,
        pointSet,
      );
    };
    say(1_000, 1, "grid", { power: 1 }, 1);
    say(1_001, 2, "battery", { soc: 50, power: 7 }, 2);
    say(2_000, 3, "grid", { power: 2 }, 1);
    say(2_001, 4, "battery", { soc: 51 }, 4);
    expect(device.latest).toMatchObject({
      values: { grid: { power: 2 }, battery: { soc: 51, power: 7 } },
      observedAtMs: 2_001,
    });
    expect([...device.pointTimes]).toEqual([
      ["grid.power", { observedAtMs: 2_000, receivedAtMs: 2_005 }],
      ["battery.power", { observedAtMs: 1_001, receivedAtMs: 1_006 }],
    ]);
    expect(device.latest).toBe(device.latest);
    // A late one is taken for points of which nothing newer is known, and for no others.
    expect(say(1_500, 5, "load", { power: 9 }, 8)).toBe(true);
    expect(say(1_400, 6, "load", { power: 8 }, 8)).toBe(false);
    expect(device.latest?.values).toMatchObject({ load: { power: 9 }, battery: { soc: 51 } });
    // As evidence of a command counts what came after it, each section as its newest message has it.
    expect(device.since(1_900)?.values).toEqual({ device_id: "ems_001", grid: { power: 2 }, battery: { soc: 51 } });
    expect(device.latestFrame?.toString()).toBe('{"device_id":"ems_001","battery":{"soc":51}}');
  });
});
