import { describe, expect, it } from "vitest";
import { filterFleet, formatSort, nextSort, parseSort, sortFleet } from "./fleet-query.ts";
import { fleetRow } from "./fleet-row.fixture.ts";

const rows = [
  fleetRow({ id: "ems_10", name: "Villa Björk", properties: { place: "Umeå", country: "Sweden" } }),
  fleetRow({
    id: "ems_2",
    name: "Villa Ask",
    properties: { place: "Pune", country: "India", simulated: "true" },
    points: { "solar.power": 2_000 },
  }),
  fleetRow({
    id: "ems_1",
    name: "Barn",
    online: false,
    state: "CHARGING",
    properties: { place: "Lund", country: "Sweden" },
    points: { "solar.power": 500 },
  }),
  fleetRow({ id: "ems_3", name: "Barn", state: "ERROR", mode: "MANUAL", error_flags: ["OVERHEAT"] }),
];
const ids = (some: readonly { id: string }[]) => some.map(({ id }) => id);

describe("the filter", () => {
  it.each([
    ["", ["ems_10", "ems_2", "ems_1", "ems_3"]],
    ["sweden", ["ems_10", "ems_1"]],
    ["villa india", ["ems_2"]],
    ["  OVERHEAT ", ["ems_3"]],
    ["manual", ["ems_3"]],
    ["simulated", ["ems_2"]],
    ["offline", ["ems_1"]],
    ["nowhere", []],
  ])("%j leaves the rows that hold every word of it", (text, expected) => {
    expect(ids(filterFleet(rows, text, "all"))).toEqual(expected);
  });

  it("takes parts of the fleet", () => {
    expect(ids(filterFleet(rows, "", "offline"))).toEqual(["ems_1"]);
    expect(ids(filterFleet(rows, "", "error"))).toEqual(["ems_3"]);
    expect(ids(filterFleet(rows, "villa", "online"))).toEqual(["ems_10", "ems_2"]);
  });
});

describe("the order", () => {
  it("by name tells digits as numbers, and falls back on the id", () => {
    expect(ids(sortFleet(rows, { key: "device", descending: false }))).toEqual(["ems_1", "ems_3", "ems_2", "ems_10"]);
  });

  it("keeps rows without a present value last in both directions, whatever a device had before it went offline", () => {
    const withSolar = [...rows, fleetRow({ id: "ems_4", points: { "solar.power": 900 } })];
    const largestFirst = ids(sortFleet(withSolar, { key: "solar", descending: true }));
    expect(largestFirst).toEqual(["ems_2", "ems_4", "ems_1", "ems_3", "ems_10"]);
    const smallestFirst = ids(sortFleet(withSolar, { key: "solar", descending: false }));
    expect(smallestFirst).toEqual(["ems_4", "ems_2", "ems_1", "ems_3", "ems_10"]);
  });

  it("by state puts errors first, and counts no last state of a device that is offline", () => {
    const states = [
      fleetRow({ id: "gone", online: false, state: "ERROR" }),
      fleetRow({ id: "idle", state: "IDLE" }),
      fleetRow({ id: "silent", state: null }),
      fleetRow({ id: "broken", state: "ERROR" }),
    ];
    const order = ids(sortFleet(states, { key: "state", descending: false }));
    expect(order).toEqual(["broken", "idle", "silent", "gone"]);
  });

  it("leaves the rows given to it as they were", () => {
    const before = ids(rows);
    sortFleet(rows, { key: "device", descending: true });
    expect(ids(rows)).toEqual(before);
  });

  it("survives the address, and anything else there means the default", () => {
    expect(parseSort(formatSort({ key: "grid", descending: true }))).toEqual({ key: "grid", descending: true });
    expect(parseSort(null)).toEqual({ key: "device", descending: false });
    expect(parseSort("-__proto__")).toEqual({ key: "device", descending: false });
  });

  it("starts with the largest for quantities and turns round on the second click", () => {
    const first = nextSort({ key: "device", descending: false }, "solar");
    expect(first).toEqual({ key: "solar", descending: true });
    expect(nextSort(first, "solar")).toEqual({ key: "solar", descending: false });
  });
});
