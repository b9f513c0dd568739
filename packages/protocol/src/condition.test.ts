import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Condition, fleetTest, formatCondition, operators, parseCondition, readField } from "./condition.ts";
import type { FleetRow } from "./fleet.ts";

const nowMs = 100_000;
const row: FleetRow = {
  id: "ems_001",
  name: "Villa Björk",
  online: true,
  properties: { country: "SE", postcode: "0744", software_version: "v8.6" },
  observed_at_ms: nowMs - 1_000,
  received_at_ms: nowMs - 1_000,
  clock: "device",
  state: "CHARGING",
  mode: "AUTO",
  error_flags: ["OVERHEAT", "FAN"],
  points: { "battery.soc": 80 },
  others: { "grid.voltage": 230.1, "smart_os.injecting": false },
};

function judge(text: string, of: FleetRow = row): string {
  const condition = parseCondition(text);
  if ("code" in condition) throw new Error(condition.message);
  return fleetTest([condition])(of, nowMs);
}

describe("a condition", () => {
  it.each([
    ["battery.soc > 79.9", "meets"],
    ["battery.soc>80", "fails"],
    ["battery.soc >= 80", "meets"],
    ["battery.soc = 80.0", "meets"],
    ["battery.soc == 80", "meets"],
    ["battery.soc != 80", "fails"],
    ["id = EMS_001", "meets"],
    ["name ~ björk", "meets"],
    ["name ^ villa", "meets"],
    ["properties.country = se", "meets"],
    ["properties.country != SE", "fails"],
    // A postcode is a text that is a number.
    ["properties.postcode < 1000", "meets"],
    ["properties.software_version >= v8", "meets"],
    ["properties.software_version < 9", "fails"],
    // A property that is not set is empty, and that is known.
    ['properties.region = ""', "meets"],
    ["properties.region != SE", "meets"],
    ["online = true", "meets"],
    ["state = charging", "meets"],
    ["system_status.state = CHARGING", "meets"],
    ["mode != AUTO", "fails"],
    ["error_flags = FAN", "meets"],
    ["error_flags != FAN", "fails"],
    ["error_flags ~ heat", "meets"],
    ["smart_os.injecting = false", "meets"],
    ["age < 2", "meets"],
    // What the device has not reported meets nothing, not even "is not".
    ["battery.current != 3", "unknown"],
    ["constructor != 3", "unknown"],
    ["properties.constructor = x", "fails"],
  ])("%s: %s", (text, verdict) => {
    expect(judge(text)).toBe(verdict);
  });

  it.each(["", "battery.soc", "> 3", "battery.soc >", "battery.soc ! 3", "online = maybe", `id = ${"x".repeat(500)}`])(
    "is refused where it cannot be read: %j",
    (text) => {
      expect(parseCondition(text)).toMatchObject({ code: "invalid_request" });
    },
  );

  it("says nothing of a device by what it was once", () => {
    expect(judge("battery.soc > 10", { ...row, online: false })).toBe("unknown");
    expect(judge("state = CHARGING", { ...row, received_at_ms: nowMs - 60_000 })).toBe("unknown");
    expect(judge("properties.country = SE", { ...row, online: false })).toBe("meets");
    // A SolMate that is idle is as it said last.
    const idle = { ...row, received_at_ms: nowMs - 60_000, properties: { dialect: "smart-os" } };
    expect(judge("state = CHARGING", idle)).toBe("meets");
  });

  it("reads no field from a prototype", () => {
    for (const field of ["__proto__", "toString", "properties.__proto__", "hasOwnProperty"]) {
      expect(["string", "undefined"]).toContain(typeof readField(row, field, nowMs));
    }
  });

  it("reads what it writes", () => {
    const condition = fc.record({
      field: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,20}$/).filter((field) => field !== "online"),
      operator: fc.constantFrom(...(Object.keys(operators) as Condition["operator"][])),
      value: fc.string({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(condition, (each) => {
        expect(parseCondition(formatCondition(each))).toEqual(each);
      }),
    );
  });
});

it("several conditions are met together, and one that fails has the last word", () => {
  const test = (...texts: string[]) => {
    const conditions = texts.map(parseCondition).filter((each) => !("code" in each));
    return fleetTest(conditions as Condition[])(row, nowMs);
  };
  expect(test("online = true", "battery.soc > 10")).toBe("meets");
  expect(test("battery.current > 1", "battery.soc > 10")).toBe("unknown");
  expect(test("battery.current > 1", "battery.soc > 90")).toBe("fails");
  expect(test()).toBe("meets");
});
