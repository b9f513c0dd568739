/**
 * What real devices send, value by value (ADR 67). The inputs beside this file are messages of their kinds; `@NOW` is replaced by the present
 * instant. Each test says what is kept, what is left out and why, and whether the message goes on as it came.
 */

import { readFileSync } from "node:fs";
import type { DeviceDetail } from "@wattboard/protocol";
import { isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { DeviceState } from "../../../packages/server/dist/devices/device-state.js";
import { decode } from "../../../packages/server/dist/telemetry/gatekeeper.js";
import { deviceDetail, events, metric, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openDashboard, openDevice, type TestSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

type Points = Record<string, unknown>;

const textOf = (file: string): string =>
  readFileSync(new URL(file, import.meta.url), "utf8")
    .trim()
    .replaceAll("@NOW", new Date().toISOString());

interface Seen {
  /** What a dashboard got. */
  readonly shown: string;
  /** The sections of what was stored. */
  readonly stored: Record<string, Points>;
  readonly faults: Record<string, string>;
  readonly detail: DeviceDetail;
}

async function openScene(settings: Record<string, string> = {}): Promise<{ server: TestServer; device: TestSocket }> {
  const server = await startServer({ settings });
  return { server, device: await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001")) };
}

/** Sends one message and gives what became of it. */
async function send(text: string, settings?: Record<string, string>): Promise<Seen> {
  const { server, device } = await openScene(settings);
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  device.send(text);
  const [shown = ""] = await dashboard.receive(1);
  const [sample] = await eventually(async () => {
    const samples = await storedSamples(server, "ems_001");
    expect(samples).toHaveLength(1);
    return samples;
  });
  const detail = await deviceDetail(server, "ems_001");
  const { device_id: _, timestamp: __, ...stored } = (sample?.telemetry ?? {}) as unknown as Record<string, Points>;
  return { shown, stored, detail, faults: faultsOf(detail) };
}

function faultsOf({ faulty_values }: DeviceDetail): Record<string, string> {
  return Object.fromEntries(faulty_values.map(({ point, fault }) => [point, fault]));
}

/** The same, and what is shown is what is stored. */
async function sendOdd(text: string, settings?: Record<string, string>): Promise<Seen> {
  const seen = await send(text, settings);
  const { device_id: _, timestamp: __, ...sections } = JSON.parse(seen.shown);
  expect(sections).toEqual(seen.stored);
  return seen;
}

const now = () => new Date().toISOString();
const messageOf = (sections: object): string => JSON.stringify({ device_id: "ems_001", timestamp: now(), ...sections });

describe("the messages of real devices keep what can be kept", () => {
  test("a01: a home storage that sends numbers as texts, no offset in its time, and null", async () => {
    const { stored, faults } = await send(textOf("a01-home-storage-status.json"));
    expect(stored).toEqual({
      system_status: { state: "IDLE", mode: "AUTO" },
      battery: { soc: 47, voltage: 51.2, discharge_not_allowed: 0 },
      grid: { power: -64 },
      solar: { power: 712 },
      load: { power: 255 },
      backup_buffer: "15",
      is_installed: 1,
      sac2: null,
    });
    expect(faults).toEqual({ timestamp: "time_without_offset" });
  });

  test("a02: all numbers as texts", async () => {
    const { stored, faults } = await sendOdd(textOf("a02-all-strings.json"));
    expect(stored).toEqual({
      grid: { power: 0 },
      // The catalogue does not say what these are, so they stay texts.
      solar: { power: 0.4, yield_day: "341", yield_total: "27.902" },
      inverter: { power: 0 },
      reachable: "0",
    });
    expect(faults).toEqual({});
  });

  test("a04: NaN and Infinity as Python writes them", async () => {
    const { stored, faults } = await sendOdd(textOf("a04-python-nan.json"));
    expect(stored).toEqual({ battery: { soc: 85 }, grid: { power: -200 } });
    expect(faults).toEqual({ "battery.temperature": "not_a_number", "grid.frequency": "not_a_number" });
  });

  test.each(["nan", "-nan", "inf", "-inf", "-Infinity", "+Infinity", "NaN", "-nan(ind)", "1e999", "undefined"])(
    "a number written %s costs itself, in a point of the catalogue and in one of the device's own",
    (word) => {
      const text = messageOf({ battery: { soc: 85, power: "WORD" }, heater: { a: "WORD", name: `NaN, "inf"` } });
      const judged = decode(
        new DeviceState("ems_001", "ems_001"),
        Buffer.from(text.replaceAll('"WORD"', word)),
        Date.now(),
      );
      expect(judged).toMatchObject({
        values: { battery: { soc: 85 }, heater: { name: `NaN, "inf"` } },
        faults: [
          { point: "battery.power", fault: "not_a_number" },
          { point: "heater.a", fault: "not_a_number" },
        ],
      });
    },
  );

  test("a05: an empty list for a value that is not valid just now", async () => {
    const { stored, faults } = await sendOdd(textOf("a05-empty-array-for-invalid.json"));
    expect(stored).toEqual({ grid: { power: -200 }, battery: { soc: 85, power: null } });
    expect(faults).toEqual({});
  });

  test("a07a: a section that is null, and no flags", async () => {
    const { stored, faults } = await sendOdd(textOf("a07a-section-null.json"));
    expect(stored).toEqual({
      system_status: { state: "IDLE", mode: "AUTO", error_flags: null },
      grid: { power: -200 },
    });
    expect(faults).toEqual({});
  });

  test("a07b: codes of errors that are numbers become texts", async () => {
    const { stored, faults } = await sendOdd(textOf("a07b-numeric-error-codes.json"));
    expect(stored.system_status).toEqual({ state: "ERROR", mode: "AUTO", error_flags: ["12", "47"] });
    expect(faults).toEqual({});
  });

  test.each([
    ["a07c-solar-below-zero-at-night.json", "solar", { power: -4.8 }],
    ["a07d-soc-above-100.json", "battery", { soc: 100.4, power: 0 }],
  ])("%s: a small overshoot is kept, marked, and goes on byte for byte", async (file, section, expected) => {
    const text = textOf(file);
    const { shown, stored, faults, detail } = await send(text);
    expect(shown).toBe(text);
    expect(stored[section]).toEqual(expected);
    expect(Object.values(faults)).toEqual(["outside_range"]);
    expect(detail.faulty_values[0]).toMatchObject({ kept: true, count: 1 });
  });

  test("a07f: other words of state and mode are kept and shown, byte for byte", async () => {
    const text = textOf("a07f-other-state-words.json");
    const { shown, stored, faults } = await send(text);
    expect(shown).toBe(text);
    expect(stored.system_status).toEqual({ state: "STANDBY", mode: "auto" });
    expect(faults).toEqual({});
  });

  test("a08a: a flat list of numbers becomes points", async () => {
    const { stored, faults } = await sendOdd(textOf("a08a-cell-voltages.json"));
    const cells = { cell_voltages_1: 3.31, cell_voltages_2: 3.3, cell_voltages_3: 3.29, cell_voltages_4: 3.31 };
    expect(stored.battery).toEqual({ soc: 61, power: -20, ...cells });
    expect(faults).toEqual({});
  });

  test("a08b: values with names that do not fit are left out", async () => {
    const { stored, faults } = await sendOdd(textOf("a08b-odd-names.json"));
    expect(stored).toEqual({ battery: { soc: 61 }, grid: { power: 10 } });
    expect(faults).toEqual({
      "grid.L1 power": "invalid_name",
      "grid.L2-power": "invalid_name",
      "grid.Phase 3 (W)": "invalid_name",
      wärmepumpe: "invalid_name",
    });
  });

  test("a12: all numbers that a double holds go on byte for byte", async () => {
    const text = textOf("a12-numbers.json");
    const { shown, stored, faults } = await send(text);
    expect(shown).toBe(text);
    expect(stored.meter).toMatchObject({ big: 1e308, on: 1, off: false });
    expect(stored.grid).toMatchObject({ leak: 5e-5, tiny: 1e-320 });
    expect(faults).toEqual({});
  });
});

/** One odd value among good ones: what of its section is stored, and the fault. */
const oddValues: readonly [what: string, sections: object, stored: object, fault: string | null][] = [
  ["a text that is no number", { battery: { soc: "full" } }, {}, "wrong_kind"],
  ["a text with a comma", { battery: { soc: "85,5" } }, {}, "wrong_kind"],
  ["a number in blanks, with an exponent", { battery: { soc: " 8.5e1 " } }, { battery: { soc: 85 } }, null],
  ["a text that says nan", { battery: { soc: "nan" } }, {}, "wrong_kind"],
  ["a text that is too large for a number", { battery: { power: "1e999" } }, {}, "not_a_number"],
  ["true for a number", { solar: { power: true } }, {}, "wrong_kind"],
  ["an object for a number", { solar: { power: { value: 1 } } }, {}, "nested_value"],
  ["an object in an own field", { solar: { strings: { a: 1 } } }, {}, "nested_value"],
  ["a list of texts", { solar: { strings: ["a"] } }, {}, "nested_value"],
  ["a list of lists", { solar: { strings: [[1]] } }, {}, "nested_value"],
  ["a list of 129 numbers", { solar: { strings: Array(129).fill(1) } }, {}, "nested_value"],
  [
    "three voltages for one",
    { grid: { voltage: [230, null, 231] } },
    { grid: { voltage_1: 230, voltage_2: null, voltage_3: 231 } },
    null,
  ],
  ["a list outside of a section", { strings: [1, 2] }, { strings_1: 1, strings_2: 2 }, null],
  ["a list whose points the device sends itself", { pv: { a: [7, 8], a_1: 1 } }, { pv: { a_1: 1, a_2: 8 } }, null],
  ["a section that is a number", { battery: 5 }, {}, "wrong_kind"],
  ["a section that is a list", { battery: [1, 2] }, {}, "wrong_kind"],
  ["a text of 257 characters", { note: "x".repeat(257) }, {}, "text_too_long"],
  ["a name of 65 characters", { solar: { ["x".repeat(65)]: 1 } }, {}, "invalid_name"],
  ["a name that is empty", { solar: { "": 1 } }, {}, "invalid_name"],
  ["a state as a number", { system_status: { state: 3 } }, { system_status: { state: "3" } }, null],
  ["a state as an object", { system_status: { state: {} } }, {}, "nested_value"],
  [
    "one flag without a list",
    { system_status: { error_flags: "E12" } },
    { system_status: { error_flags: ["E12"] } },
    null,
  ],
  ["the flag 0", { system_status: { error_flags: 0 } }, { system_status: { error_flags: [] } }, null],
  [
    "flags of which one is none",
    { system_status: { error_flags: ["A", { code: 1 }, 7] } },
    { system_status: { error_flags: ["A", "7"] } },
    "nested_value",
  ],
  [
    "33 flags",
    { system_status: { error_flags: Array(33).fill("HOT") } },
    { system_status: { error_flags: Array(32).fill("HOT") } },
    "too_many_flags",
  ],
  ["a charge of 350 %", { battery: { soc: 350 } }, { battery: { soc: null } }, "beyond_belief"],
  ["a charge of −20 %", { battery: { soc: -20 } }, { battery: { soc: null } }, "beyond_belief"],
  ["solar power of −3,000 W", { solar: { power: -3_000 } }, { solar: { power: null } }, "beyond_belief"],
  ["a load a little below 0", { load: { power: -12 } }, { load: { power: -12 } }, "outside_range"],
  ["1e305", { solar: { power: 1e305 } }, { solar: { power: null } }, "beyond_belief"],
  ["the code 32767", { inverter: { power: 32_767 } }, { inverter: { power: null } }, "not_available"],
  ["the code −32768", { inverter: { power: -32_768 } }, { inverter: { power: null } }, "not_available"],
  ["the code 65535 in tenths", { inverter: { power: 6_553.5 } }, { inverter: { power: null } }, "not_available"],
  ["the code 4294967295", { load: { power: 4_294_967_295 } }, { load: { power: null } }, "not_available"],
  ["the code of 32 bits with a sign", { load: { power: -2_147_483_648 } }, { load: { power: null } }, "not_available"],
  ["the code of 16 bits as a text", { load: { power: "65535" } }, { load: { power: null } }, "not_available"],
  ["a voltage of 65535 V", { grid: { voltage: 65_535 } }, { grid: { voltage: null } }, "beyond_belief"],
];

describe("one odd value costs itself and nothing else", () => {
  test.each(oddValues)("%s", (_, sections, stored, fault) => {
    const rest: Record<string, unknown> = { grid: { frequency: 50 }, inverter: { temperature: 40 } };
    const frame = Buffer.from(messageOf({ ...rest, ...sections }));
    const judged = decode(new DeviceState("ems_001", "ems_001"), frame, Date.now());
    if (isRefusal(judged)) throw new Error(judged.message);
    for (const section of Object.keys(sections)) delete rest[section];
    const { device_id: _id, timestamp: _time, ...kept } = JSON.parse(judged.frame.toString());
    expect(kept).toEqual({ ...rest, ...stored });
    expect(judged.values).toEqual(JSON.parse(judged.frame.toString()));
    expect((judged.faults ?? []).map(({ fault: each }) => each)).toEqual(fault === null ? [] : [fault]);
  });

  test("what holds nothing odd goes on as it came, the very same bytes", () => {
    const frame = Buffer.from(JSON.stringify(sampleOf("ems_001"), null, 2));
    const judged = decode(new DeviceState("ems_001", "ems_001"), frame, Date.now());
    expect(judged).toMatchObject({ faults: null });
    expect(!isRefusal(judged) && judged.frame === frame).toBe(true);
  });

  test("a device has 256 points of its own, or as many as the setting says; the rest is left out", async () => {
    const cells = Object.fromEntries(Array.from({ length: 260 }, (_, at) => [`cell_${at}`, at]));
    const { stored, detail } = await sendOdd(messageOf({ battery: { soc: 50, ...cells } }));
    expect(Object.keys(stored.battery ?? {})).toHaveLength(257);
    expect(detail.faulty_values.filter(({ fault }) => fault === "too_many_points")).toHaveLength(4);
    const few = await sendOdd(messageOf({ battery: { soc: 50, ...cells } }), { "limits.points": "3" });
    expect(few.stored.battery).toEqual({ soc: 50, cell_0: 0, cell_1: 1, cell_2: 2 });
    // Names are the peer's to choose, so their table has an end.
    expect(few.detail.faulty_values).toHaveLength(65);
    expect(few.detail.faulty_values.at(-1)).toMatchObject({ point: "other", count: 257 - 64 });
  });
});

describe("refused whole", () => {
  test.each([
    ["no JSON", "hello", "invalid_json"],
    ["a list", `[${messageOf({ battery: { soc: 1 } })}]`, "invalid_json"],
    ["the word NaN alone", "NaN", "invalid_json"],
    ["another device's id", JSON.stringify(sampleOf("ems_002")), "wrong_device"],
    ["nothing that can be used", messageOf({ battery: { soc: "full" } }), "nothing_usable"],
    ["sections that are all null", messageOf({ battery: null, grid: null }), "nothing_usable"],
    ["no section", messageOf({}), "no_section"],
  ])("%s", (_, text, code) => {
    expect(decode(new DeviceState("ems_001", "ems_001"), Buffer.from(text), Date.now())).toMatchObject({ code });
  });
});

test("what is left out is counted, and is an event once it lasts a minute, and again after an hour", async () => {
  const clock = new ManualClock();
  const server = await startServer({ clock, settings: { "heartbeat.ping_ms": "86400000" } });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  const told = async () => (await events(server)).filter(({ kind }) => kind === "values_left_out");
  let sent = 0;
  const sendAt = async (afterMs: number) => {
    clock.advance(afterMs);
    device.send(sampleOf("ems_001", { battery: { soc: 50, temperature: "warm" as never } }));
    sent++;
    await eventually(async () => expect((await deviceDetail(server, "ems_001")).accepted).toBe(sent));
  };
  await sendAt(0);
  await sendAt(30_000);
  expect(await told()).toEqual([]);
  await sendAt(30_000);
  await eventually(async () => expect(await told()).toHaveLength(1));
  expect((await told())[0]?.message).toContain("battery.temperature");
  await sendAt(30_000);
  expect(await told()).toHaveLength(1);
  expect(await metric(server, 'wattboard_faulty_values_total{fault="wrong_kind"}')).toBe(4);
});

describe("bounds of belief", () => {
  test("b02: a code for 'not available' in a good hour reaches no sum, is counted, and is an event at once", async () => {
    const { server, device } = await openScene();
    const lines = textOf("b02-one-sentinel-in-a-good-hour.ndjson").split("\n");
    const startMs = Date.now() - 60_000;
    for (const [at, line] of lines.entries()) {
      const { points } = JSON.parse(line) as { points: Record<string, number> };
      const timestamp = new Date(startMs + at * 1_000).toISOString();
      device.send(JSON.stringify({ device_id: "ems_001", timestamp, grid: { power: points["grid.power"] } }));
    }
    const samples = await eventually(async () => {
      const found = await storedSamples(server, "ems_001");
      expect(found).toHaveLength(lines.length);
      return found;
    });
    expect(new Set(samples.map(({ telemetry }) => telemetry.grid?.power))).toEqual(new Set([500, null]));
    expect(faultsOf(await deviceDetail(server, "ems_001"))).toEqual({ "grid.power": "not_available" });
    await eventually(async () => expect((await events(server)).map(({ kind }) => kind)).toContain("values_left_out"));
  });

  test("the device's rating narrows them, for what it is the rating of", async () => {
    const { server, device } = await openScene();
    server.devices.change("ems_001", { properties: { rated_power: "800 W" } });
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    device.send(sampleOf("ems_001", { solar: { power: 1_700 }, grid: { power: 1_700 } }));
    server.devices.change("ems_001", { properties: { rated_power: "5 kW", rated_grid_power: "500" } });
    await dashboard.receive(1);
    device.send(sampleOf("ems_001", { solar: { power: 1_700 }, grid: { power: 1_700 } }));
    const shown = (await dashboard.receive(2)).map((text) => JSON.parse(text));
    // The second change came before or after the first message: only what holds either way is asked.
    expect(shown[1]).toMatchObject({ solar: { power: 1_700 }, grid: { power: null } });
  });
});
