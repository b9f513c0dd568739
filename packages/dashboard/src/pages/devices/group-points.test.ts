import { expect, it } from "vitest";
import { groupPoints } from "./group-points.ts";

it("puts the contract's sections first, in its order, and a device's own after them", () => {
  const names = [
    "zeta.a",
    "system_status.state",
    "alpha.b",
    "grid.power",
    "battery.cells",
    "battery.power",
    "battery.soc",
  ];
  const groups = groupPoints(new Map(names.map((name) => [name, 0])));
  expect(groups.map(({ title, names }) => [title, names])).toEqual([
    ["Battery", ["battery.soc", "battery.power", "battery.cells"]],
    ["Grid", ["grid.power"]],
    ["System", ["system_status.state"]],
    ["alpha", ["alpha.b"]],
    ["zeta", ["zeta.a"]],
  ]);
});
