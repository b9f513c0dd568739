import { describe, expect, test } from "vitest";
import { ClockWatch, DeviceState } from "./device-state.ts";
import type { Sample } from "./sample.ts";

describe("DeviceState", () => {
  const sample = (observedAtMs: number, power: number): [Sample, Buffer] => {
    const values = { device_id: "ems_001", grid: { power } };
    const stamps = { receivedAtMs: observedAtMs + 5, clock: "device", epoch: 3, seq: power } as const;
    const reading = { deviceId: "ems_001", deviceTimeMs: observedAtMs - 1, values, observedAtMs, ...stamps };
    return [reading, Buffer.from(JSON.stringify(values))];
  };

  test("gives the latest sample whole, whether it was asked for before or not, and the same until the next", () => {
    const device = new DeviceState("ems_001");
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
    const device = new DeviceState("ems_001");
    device.offer(...sample(1_000, 1));
    expect(device.offer(...sample(999, 2))).toBe(false);
    expect(device.latest).toEqual(sample(1_000, 1)[0]);
    expect(device.offer(...sample(1_000, 3))).toBe(true);
    expect(device.latest?.seq).toBe(3);
  });

  test("takes what comes now for newer than what was stamped while the server's clock was ahead", () => {
    const nowMs = Date.UTC(2026, 0, 31, 12);
    const device = new DeviceState("ems_001");
    device.offer(...sample(nowMs + 3_600_000, 1));
    expect(device.offer(...sample(nowMs, 2))).toBe(true);
    expect(device.latest?.observedAtMs).toBe(nowMs);
    // From there on the newest counts again.
    expect(device.offer(...sample(nowMs - 100, 3))).toBe(false);
    expect(device.offer(...sample(nowMs + 100, 4))).toBe(true);
  });
});

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
