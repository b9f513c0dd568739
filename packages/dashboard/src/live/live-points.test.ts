import type { Telemetry } from "@wattboard/protocol";
import { describe, expect, it } from "vitest";
import { flattenTelemetry } from "./flatten-telemetry.ts";
import { fileLive, liveNumber, noLivePoints, seedSample } from "./live-points.ts";

const noonMs = Date.parse("2026-06-01T12:00:00Z");
function message(timestamp: string, more: Partial<Telemetry> = {}): Telemetry {
  return { device_id: "ems_001", timestamp, ...more };
}

describe("the points of a message", () => {
  it("are named section.field, known to the catalogue or not", () => {
    const points = flattenTelemetry({
      device_id: "ems_001",
      timestamp: "2026-06-01T12:00:00Z",
      system_status: { state: "IDLE", error_flags: ["OVERHEAT"] },
      heat_pump: { flow: 12, on: true, note: null, nested: { no: 1 } },
    });
    expect([...points]).toEqual([
      ["system_status.state", "IDLE"],
      ["system_status.error_flags", ["OVERHEAT"]],
      ["heat_pump.flow", 12],
      ["heat_pump.on", true],
      ["heat_pump.note", null],
    ]);
  });
});

describe("a live sample", () => {
  it("is filed under the device's time", () => {
    const known = fileLive(noLivePoints, message("2026-06-01T12:00:00Z"), noonMs + 40);
    expect(known.newest).toEqual({ atMs: noonMs, clock: "device" });
  });

  it.each(["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "nonsense"])(
    "is filed under receipt with a clock of %s",
    (timestamp) => {
      expect(fileLive(noLivePoints, message(timestamp), noonMs).newest).toEqual({ atMs: noonMs, clock: "server" });
    },
  );

  it("is filed under receipt when the device's clock stands still", () => {
    const first = fileLive(noLivePoints, message("2026-06-01T12:00:00Z"), noonMs);
    const soon = fileLive(first, message("2026-06-01T12:00:00Z"), noonMs + 1_500);
    expect(soon.newest?.clock).toBe("device");
    const later = fileLive(soon, message("2026-06-01T12:00:00Z"), noonMs + 3_000);
    expect(later.newest).toEqual({ atMs: noonMs + 3_000, clock: "server" });
  });

  it("leaves the age of points that it does not hold", () => {
    const first = fileLive(
      noLivePoints,
      message("2026-06-01T12:00:00Z", { battery: { soc: 50, voltage: 51 } }),
      noonMs,
    );
    const second = fileLive(first, message("2026-06-01T12:00:10Z", { battery: { soc: 51 } }), noonMs + 10_000);
    expect(second.points.get("battery.voltage")).toEqual({ value: 51, filedAtMs: noonMs });
    expect(second.points.get("battery.soc")).toEqual({ value: 51, filedAtMs: noonMs + 10_000 });
  });

  it("that comes late overwrites nothing newer", () => {
    const first = fileLive(noLivePoints, message("2026-06-01T12:00:10Z", { battery: { soc: 51 } }), noonMs + 10_000);
    const late = fileLive(first, message("2026-06-01T12:00:00Z", { battery: { soc: 50 } }), noonMs + 11_000);
    expect(liveNumber(late.points, "battery.soc")).toBe(51);
    expect(late.newest?.atMs).toBe(noonMs + 10_000);
  });
});

it("after the server's clock was an hour ahead and is right again, what comes replaces what lies ahead", () => {
  const hourMs = 3_600_000;
  const ahead = fileLive(noLivePoints, message("2026-06-01T13:00:00Z", { battery: { soc: 50 } }), noonMs + hourMs);
  const now = fileLive(ahead, message("2026-06-01T12:00:12Z", { battery: { soc: 51 } }), noonMs + 12_000);
  expect(liveNumber(now.points, "battery.soc")).toBe(51);
  expect(now.newest?.atMs).toBe(noonMs + 12_000);
});

it("a seeded sample keeps the time and the clock that the server filed it with", () => {
  const known = seedSample(noLivePoints, {
    observed_at: "2026-06-01T12:00:05.000Z",
    received_at: "2026-06-01T12:00:05.000Z",
    clock: "server",
    telemetry: message("1970-01-01T00:00:00Z", { solar: { power: 900 } }),
  });
  expect(known.newest).toEqual({ atMs: noonMs + 5_000, clock: "server" });
  expect(liveNumber(known.points, "solar.power")).toBe(900);
});
