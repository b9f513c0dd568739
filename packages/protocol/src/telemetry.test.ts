import { describe, expect, test } from "vitest";
import { points } from "./points.ts";
import { type Telemetry, telemetrySchema } from "./telemetry.ts";
import { commandValidator, telemetryValidator } from "./validate.ts";

/** The upstream payload of `ems-communication-interface.txt`, without its comments. */
const documented = {
  device_id: "ems_001",
  timestamp: "2026-01-31T12:00:01Z",
  system_status: { state: "CHARGING", mode: "AUTO", error_flags: [], wifi_strength: -45 },
  battery: { voltage: 53.2, current: 10.5, power: 558.6, soc: 85 },
  grid: { voltage: 230.1, power: -200, frequency: 50.0 },
};

describe("the telemetry schema", () => {
  test("takes the documented payload, and the shorter one of the client guide", () => {
    expect(telemetryValidator.check(documented)).toBe(true);
    const { device_id, timestamp } = documented;
    expect(telemetryValidator.check({ device_id, timestamp, battery: { voltage: 53.2, soc: 85 } })).toBe(true);
  });

  test("has exactly the points of the catalogue", () => {
    const { device_id: _, timestamp: __, ...sections } = telemetrySchema.properties;
    const inSchema = Object.entries(sections).flatMap(([section, { properties }]) =>
      Object.keys(properties).map((field) => `${section}.${field}`),
    );
    expect(inSchema.sort()).toEqual(points.map(({ name }) => name).sort());
  });

  test("takes fields, sections and single values of a device's own, and so do the types", () => {
    const own: Telemetry = {
      device_id: "ems_001",
      timestamp: "2026-01-31T12:00:01Z",
      battery: { soc: 85, cycle_count: 412 },
      heat_pump: { power: 900, mode: "ECO", defrosting: null },
      doors_open: 2,
    };
    expect(telemetryValidator.check(own)).toBe(true);
    const cycles: number | string | boolean | string[] | null | undefined = own.battery?.cycle_count;
    const soc: number | null | undefined = own.battery?.soc;
    expect([cycles, soc]).toEqual([412, 85]);
    // @ts-expect-error: what the catalogue has keeps its type.
    const wrong: Telemetry = { ...own, battery: { soc: "85" } };
    // @ts-expect-error: values are scalars.
    const nested: Telemetry = { ...own, heat_pump: { inner: { power: 1 } } };
    expect([wrong, nested].map((each) => telemetryValidator.check(each))).toEqual([false, true]);
  });

  test.each([
    [{ battery: { soc: 350 } }, "battery.soc", "<= 110"],
    [{ battery: { soc: "85" } }, "battery.soc", "number"],
    [{ battery: { voltage: Number.POSITIVE_INFINITY } }, "battery.voltage", "number"],
    [{ solar: { power: -5_000 } }, "solar.power", ">= -500"],
    [{ system_status: { state: 3 } }, "system_status.state", "string"],
    [{ system_status: { error_flags: "OVERHEAT" } }, "system_status.error_flags", "array"],
    [{ battery: 85 }, "battery", "object"],
    [{ timestamp: {} }, "timestamp", "string"],
  ])("says where %j does not fit, and what is expected", (changes, path, expected) => {
    const message = { ...documented, ...changes };
    expect(telemetryValidator.check(message)).toBe(false);
    const mismatch = telemetryValidator.explain(message);
    expect(mismatch.path).toBe(path);
    expect(mismatch.message).toContain(expected);
  });

  test("lets a device say that it has no value just now", () => {
    expect(telemetryValidator.check({ ...documented, battery: { soc: null } })).toBe(true);
  });
});

describe("the command schema", () => {
  test("takes the documented commands", () => {
    const payload = { target_mode: "MANUAL_DISCHARGE", target_power: 500 };
    expect(commandValidator.check({ command_id: "cmd_8293", action: "SET_MODE", payload })).toBe(true);
    expect(commandValidator.check({ command_id: "cmd_8294", action: "RESET_ERROR", payload: {} })).toBe(true);
  });

  test("refuses an unknown action and an unknown mode", () => {
    expect(commandValidator.check({ command_id: "c", action: "EXPLODE", payload: {} })).toBe(false);
    expect(commandValidator.check({ command_id: "c", action: "SET_MODE", payload: { target_mode: "FULL" } })).toBe(
      false,
    );
  });
});
