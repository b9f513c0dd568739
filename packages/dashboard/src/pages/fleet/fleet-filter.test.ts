import { type Condition, isRefusal, parseCondition } from "@wattboard/protocol";
import { describe, expect, it } from "vitest";
import { filterFleet } from "./fleet-filter.ts";
import { onlineRow } from "./fleet-row.fixture.ts";

const rows = [
  onlineRow({ id: "ems_10", name: "Villa Björk", properties: { place: "Umeå", country: "Sweden" } }),
  onlineRow({
    id: "ems_2",
    name: "Villa Ask",
    properties: { place: "Pune", country: "India", simulated: "true" },
    points: { "solar.power": 2_000, "battery.soc": 80 },
    observed_at_ms: 95_000,
    received_at_ms: 95_000,
  }),
  onlineRow({
    id: "0001",
    name: "Barn",
    online: false,
    state: "CHARGING",
    properties: { country: "AT", postcode: "0744", software_version: "v8.6" },
    points: { "solar.power": 500, "battery.soc": 9.5 },
    others: { "smart_os.injecting": false, "smart_os.capacity": 5_184_000 },
  }),
  onlineRow({
    id: "ems_3",
    name: "Barn",
    received_at_ms: 85_000,
    state: "ERROR",
    mode: "MANUAL",
    error_flags: ["OVERHEAT"],
  }),
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
    ["battery.soc > 9.5", ["ems_2"]],
    ["properties.country ~ SWE", ["ems_10"]],
    ["properties.country = at", ["0001"]],
    ["properties.country != SWEDEN", ["ems_2", "0001", "ems_3"]],
    ["state ~ err", ["ems_3"]],
    ["error_flags = OVERHEAT", ["ems_3"]],
    ["age <= 10", ["ems_2"]],
    // What is measured counts while it says something of the present, as for fleet commands.
    ["solar.power > 100", ["ems_2"]],
    ["smart_os.capacity > 5e6", []],
    ['no.such_point ~ ""', []],
  ])("%s finds %j", (text, expected) => {
    const condition = parseCondition(text);
    if (isRefusal(condition)) throw new Error(condition.message);
    expect(found({ conditions: [condition] })).toEqual(expected);
  });

  it("leaves with others the rows that meet all of them, and are in the part and hold the words", () => {
    const conditions = ["online = true", "name ^ villa"].map(parseCondition).filter((each) => !isRefusal(each));
    expect(found({ conditions: conditions as Condition[], text: "india", part: "online" })).toEqual(["ems_2"]);
  });
});
