import { type FleetRow, type SmartOsOperator, smartOsOperators } from "@wattboard/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filterFleet } from "./fleet-filter.ts";
import { fleetRow } from "./fleet-row.fixture.ts";

const rows = [
  fleetRow({ id: "ems_10", name: "Villa Björk", properties: { place: "Umeå", country: "Sweden" } }),
  fleetRow({
    id: "ems_2",
    name: "Villa Ask",
    properties: { place: "Pune", country: "India", simulated: "true" },
    points: { "solar.power": 2_000, "battery.soc": 80 },
    observed_at_ms: 90_000,
  }),
  fleetRow({
    id: "0001",
    name: "Barn",
    online: false,
    state: "CHARGING",
    properties: { country: "AT", postcode: "0744", software_version: "v8.6" },
    points: { "solar.power": 500, "battery.soc": 9.5 },
    others: { "smart_os.injecting": false, "smart_os.capacity": 5_184_000 },
  }),
  fleetRow({ id: "ems_3", name: "Barn", state: "ERROR", mode: "MANUAL", error_flags: ["OVERHEAT"] }),
];
const nowMs = 100_000;
const ids = (some: readonly { id: string }[]) => some.map(({ id }) => id);
const found = (change: Partial<Parameters<typeof filterFleet>[1]>) =>
  ids(filterFleet(rows, { text: "", part: "all", conditions: [], ...change }, nowMs));

describe("the search", () => {
  it.each([
    ["", ["ems_10", "ems_2", "0001", "ems_3"]],
    ["sweden", ["ems_10"]],
    ["villa india", ["ems_2"]],
    ["  OVERHEAT ", ["ems_3"]],
    ["manual", ["ems_3"]],
    ["simulated", ["ems_2"]],
    ["offline", ["0001"]],
    ["v8.6", ["0001"]],
    ["nowhere", []],
  ])("%j leaves the rows that hold every word of it", (text, expected) => {
    expect(found({ text })).toEqual(expected);
  });

  it("takes parts of the fleet", () => {
    expect(found({ part: "offline" })).toEqual(["0001"]);
    expect(found({ part: "error" })).toEqual(["ems_3"]);
    expect(found({ part: "online", text: "villa" })).toEqual(["ems_10", "ems_2"]);
  });
});

describe("a filter", () => {
  it.each([
    ["battery.soc", ">", "9.5", ["ems_2"]],
    ["battery.soc", ">=", "9.5", ["ems_2", "0001"]],
    ["battery.soc", "==", "80.0", ["ems_2"]],
    ["battery.soc", "^", "8", ["ems_2"]],
    ["properties.country", "=", "SWE", ["ems_10"]],
    ["properties.country", "==", "at", ["0001"]],
    // A postcode is a text that is a number.
    ["properties.postcode", "<", "1000", ["0001"]],
    ["properties.software_version", ">=", "v8", ["0001"]],
    ["properties.software_version", "<", "9", []],
    // What nobody has described can be asked for as well.
    ["smart_os.capacity", ">", "5e6", ["0001"]],
    ["smart_os.injecting", "==", "false", ["0001"]],
    ["online", "==", "false", ["0001"]],
    ["state", "=", "err", ["ems_3"]],
    ["error_flags", "=", "heat", ["ems_3"]],
    ["age", "<=", "10", ["ems_2"]],
    // A device that is offline has no power, whatever it had before.
    ["solar.power", ">", "100", ["ems_2"]],
    ["no.such_point", "=", "", []],
  ] as [string, SmartOsOperator, string, string[]][])("%s %s %s finds %j", (field, operator, value, expected) => {
    expect(found({ conditions: [{ field, operator, value }] })).toEqual(expected);
  });

  it("leaves with any number of others the rows that meet all of them, as a simple model does", () => {
    const numbers = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, -1.5));
    const fleets = fc.uniqueArray(
      fc.record({
        id: fc.stringMatching(/^[a-c]{1,3}$/),
        soc: fc.option(numbers),
        country: fc.constantFrom("AT", "at", "DE", ""),
      }),
      { selector: ({ id }) => id },
    );
    const conditions = fc.array(
      fc.oneof(
        fc.record({ field: fc.constant("battery.soc"), operator: operatorOf, value: numbers.map(String) }),
        fc.record({
          field: fc.constant("id"),
          operator: fc.constantFrom("=", "^", "=="),
          value: fc.stringMatching(/^[a-c]{0,2}$/),
        }),
        fc.record({
          field: fc.constant("properties.country"),
          operator: fc.constantFrom("=", "^"),
          value: fc.constantFrom("a", "D", "T"),
        }),
      ) as fc.Arbitrary<{ field: string; operator: SmartOsOperator; value: string }>,
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(fleets, conditions, (given, asked) => {
        const fleet = given.map(({ id, soc, country }) =>
          fleetRow({ id, properties: { country }, points: soc === null ? {} : { "battery.soc": soc } }),
        );
        const expected = fleet.filter((row) => asked.every((condition) => meetsByModel(row, condition)));
        expect(filterFleet(fleet, { text: "", part: "all", conditions: asked }, nowMs)).toEqual(expected);
      }),
    );
  });
});

const operatorOf = fc.constantFrom(...(Object.keys(smartOsOperators) as SmartOsOperator[]));

/** The table of operators in the contract, word by word. */
function meetsByModel(
  row: FleetRow,
  { field, operator, value }: { field: string; operator: SmartOsOperator; value: string },
): boolean {
  const told = { id: row.id, "properties.country": row.properties.country, "battery.soc": row.points["battery.soc"] }[
    field
  ];
  if (told === undefined) return false;
  switch (operator) {
    case "=":
      return `${told}`.toUpperCase().indexOf(value.toUpperCase()) >= 0;
    case "^":
      return `${told}`.toUpperCase().slice(0, value.length) === value.toUpperCase();
    case "==":
      return typeof told === "number" ? told === Number(value) : told === value;
    case "<":
      return Number(told) < Number(value);
    case ">":
      return Number(told) > Number(value);
    case "<=":
      return Number(told) <= Number(value);
    case ">=":
      return Number(told) >= Number(value);
  }
}
