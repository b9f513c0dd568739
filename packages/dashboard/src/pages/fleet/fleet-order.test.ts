import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrangeFleet } from "./arrange-fleet.ts";
import { type Sort, sortFleet } from "./fleet-order.ts";
import { onlineRow } from "./fleet-row.fixture.ts";

const rows = [
  onlineRow({ id: "ems_10", properties: { country: "SE" } }),
  onlineRow({ id: "ems_2", properties: { country: "IN" }, points: { "solar.power": 2_000 } }),
  onlineRow({ id: "ems_1", properties: { country: "SE" }, online: false, points: { "solar.power": 500 } }),
  onlineRow({ id: "ems_4", properties: { country: "SE" }, points: { "solar.power": 900 } }),
];
const sorted = (...sorts: Sort[]) => sortFleet(rows, sorts, 5_000).map(({ id }) => id);
const up = (field: string): Sort => ({ field, descending: false });
const down = (field: string): Sort => ({ field, descending: true });

describe("the order", () => {
  it("tells digits in an id as numbers", () => {
    expect(sorted(up("id"))).toEqual(["ems_1", "ems_2", "ems_4", "ems_10"]);
    expect(sorted(down("id"))).toEqual(["ems_10", "ems_4", "ems_2", "ems_1"]);
  });

  it("keeps rows without a present value last in both directions, whatever a device had before it went offline", () => {
    expect(sorted(down("solar.power"))).toEqual(["ems_2", "ems_4", "ems_1", "ems_10"]);
    expect(sorted(up("solar.power"))).toEqual(["ems_4", "ems_2", "ems_1", "ems_10"]);
  });

  it("by several columns counts the first most", () => {
    expect(sorted(down("properties.country"), up("solar.power"))).toEqual(["ems_4", "ems_1", "ems_10", "ems_2"]);
    expect(sorted(up("properties.country"), down("id"))).toEqual(["ems_2", "ems_10", "ems_4", "ems_1"]);
  });

  it("by state puts errors first, and counts no last state of a device that is offline", () => {
    const states = [
      onlineRow({ id: "gone", online: false, state: "ERROR" }),
      onlineRow({ id: "idle", state: "IDLE" }),
      onlineRow({ id: "silent", state: null }),
      onlineRow({ id: "broken", state: "ERROR" }),
    ];
    const order = sortFleet(states, [up("state")], 0).map(({ id }) => id);
    expect(order).toEqual(["broken", "idle", "gone", "silent"]);
  });

  it("by age puts the youngest first, and devices that were never heard last", () => {
    const ages = [
      onlineRow({ id: "never", observed_at_ms: null }),
      onlineRow({ id: "old", observed_at_ms: 1_000 }),
      onlineRow({ id: "young", observed_at_ms: 4_000 }),
    ];
    expect(sortFleet(ages, [up("age")], 5_000).map(({ id }) => id)).toEqual(["young", "old", "never"]);
  });

  it("is one: the same rows in any order before, and with what was shown before, come out alike", () => {
    const fleets = fc.uniqueArray(
      fc.record({
        id: fc.stringMatching(/^[aA]0?[0-3]$/),
        soc: fc.option(fc.integer({ min: 0, max: 2 })),
        country: fc.constantFrom("AT", "at", "DE"),
      }),
      { selector: ({ id }) => id },
    );
    const sorts = fc.uniqueArray(
      fc.record({ field: fc.constantFrom("id", "battery.soc", "properties.country"), descending: fc.boolean() }),
      { selector: ({ field }) => field, maxLength: 3 },
    );
    fc.assert(
      fc.property(fleets, sorts, fc.infiniteStream(fc.nat()), (given, order, random) => {
        const fleet = given.map(({ id, soc, country }) =>
          onlineRow({ id, properties: { country }, points: soc === null ? {} : { "battery.soc": soc } }),
        );
        const expected = sortFleet(fleet, order, 0);
        const shuffled = fleet
          .map((row) => ({ row, rank: random.next().value as number }))
          .sort((one, other) => one.rank - other.rank)
          .map(({ row }) => row);
        expect(sortFleet(shuffled, order, 0)).toEqual(expected);
        const view = { text: "", part: "all", conditions: [], sorts: order } as const;
        const before = shuffled.slice(1).map(({ id }) => id);
        const byId = new Map(fleet.map((row) => [row.id, row]));
        expect(arrangeFleet(byId, view, 0, ["gone", ...before])).toEqual(expected.map(({ id }) => id));
        // Each neighbour pair is in order by the first column that tells them apart.
        for (const [at, row] of expected.slice(1).entries()) {
          const one = expected[at]?.points["battery.soc"];
          const other = row.points["battery.soc"];
          if (order[0]?.field !== "battery.soc" || one === other) continue;
          expect(one).toBeDefined();
          if (one !== undefined && other !== undefined) expect(one > other).toBe(order[0].descending);
        }
      }),
    );
  });
});
