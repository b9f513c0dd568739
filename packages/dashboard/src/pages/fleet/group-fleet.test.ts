import { expect, test } from "vitest";
import { fleetField } from "./fleet-field.ts";
import { onlineRow } from "./fleet-row.fixture.ts";
import { groupFleet, headingsOf, isGroupField } from "./group-fleet.ts";

const nowMs = 1_000_000;
const sites: readonly (readonly [id: string, site: string | undefined, loadW: number])[] = [
  ["a", "mill 10", 100],
  ["b", undefined, 200],
  ["c", "mill 2", 300],
  ["d", "Mill 10", 400],
  ["e", "mill 10", 500],
  ["f", "", 600],
];
const rows = new Map(
  sites.map(([id, site, loadW]) => [
    id,
    onlineRow({
      id,
      properties: site === undefined ? {} : { site },
      observed_at_ms: nowMs,
      points: { "load.power": loadW },
    }),
  ]),
);
const ids = [...rows.keys()].reverse();

test("groups stand in the order of their values, those without one last, and keep the order within", () => {
  expect(groupFleet(ids, rows, "properties.site", nowMs)).toEqual([
    { value: "mill 2", ids: ["c"] },
    { value: "Mill 10", ids: ["d"] },
    { value: "mill 10", ids: ["e", "a"] },
    { value: null, ids: ["f", "b"] },
  ]);
});

test("a heading stands above the first row of each group on the page, and sums over the whole group", () => {
  const groups = groupFleet(ids, rows, "properties.site", nowMs);
  const headings = headingsOf(groups, "properties.site", rows, [3, 5], nowMs);
  const shown = [...headings].map(([id, { value, isContinued, totals }]) => [
    id,
    value,
    isContinued,
    totals.devices,
    totals.loadW,
  ]);
  // The third row is the second of its group.
  expect(shown).toEqual([
    ["a", "mill 10", true, 2, 600],
    ["f", null, false, 2, 800],
  ]);
  expect(headingsOf(groups, "properties.site", rows, [6, 20], nowMs).size).toBe(0);
});

test("devices are grouped by what is said of them, not by what is measured", () => {
  const names = [
    "properties.site",
    "properties.tags",
    "state",
    "online",
    "id",
    "battery.soc",
    "properties.capacity_wh",
    "age",
  ];
  expect(names.filter((name) => isGroupField(fleetField(name)))).toEqual([
    "properties.site",
    "properties.tags",
    "state",
    "online",
  ]);
});
