import { type Operator, operators } from "@wattboard/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { usualColumns } from "./fleet-field.ts";
import { fleetParts } from "./fleet-filter.ts";
import type { Sort } from "./fleet-order.ts";
import {
  changeView,
  type FleetView,
  formatView,
  pageSizes,
  parseView,
  turnSort,
  usualSorts,
  viewLimits,
} from "./fleet-view.ts";

const parse = (text: string) => parseView(new URLSearchParams(text));

describe("the address of a view", () => {
  it("of the usual one says nothing", () => {
    const { view, faults } = parse("");
    expect(faults).toEqual([]);
    expect(view).toEqual({
      text: "",
      part: "all",
      conditions: [],
      sorts: usualSorts,
      group: null,
      columns: usualColumns,
      page: 1,
      pageSize: 20,
    });
    expect(formatView(view).toString()).toBe("");
  });

  it("holds all of any view: what is written is read as it was", () => {
    const name = fc.stringMatching(/^[a-z][a-z_.]{0,20}$/);
    const views: fc.Arbitrary<FleetView> = fc.record({
      text: fc.string(),
      part: fc.constantFrom(...fleetParts),
      conditions: fc.array(
        fc.record({
          field: name,
          operator: fc.constantFrom(...(Object.keys(operators) as Operator[])),
          // Colons, as in times, ampersands and line breaks included.
          value: fc.oneof(fc.string(), fc.constant("2024-03-11T00:43:33&x=1\n:")),
        }),
        { maxLength: viewLimits.conditions },
      ),
      sorts: fc.uniqueArray(fc.record({ field: name, descending: fc.boolean() }), {
        selector: ({ field }) => field,
        minLength: 1,
        maxLength: viewLimits.sorts,
      }),
      group: fc.option(name),
      columns: fc
        .uniqueArray(
          name.filter((each) => each !== "id"),
          { maxLength: viewLimits.columns - 1 },
        )
        .map((names) => ["id", ...names]),
      page: fc.integer({ min: 1, max: 1_000 }),
      pageSize: fc.constantFrom(...pageSizes),
    });
    fc.assert(
      fc.property(views, (view) => {
        expect(parse(formatView(view).toString())).toEqual({ view, faults: [] });
      }),
    );
  });

  it("says what in it cannot be read, and holds the rest", () => {
    const { view, faults } = parse(
      "where=battery.soc+near+5&filter=country&filter=battery.soc:>:5&where=name+~+x&rows=17&page=-1&show=some",
    );
    expect(faults).toHaveLength(2);
    expect(faults[0]).toContain("battery.soc near 5");
    expect(view.conditions).toEqual([
      { field: "name", operator: "~", value: "x" },
      { field: "battery.soc", operator: ">", value: "5" },
    ]);
    expect(view).toMatchObject({ pageSize: 20, page: 1, part: "all" });
  });

  it("of before is read in the words of now: = was contains, and == is", () => {
    const { view } = parse("filter=name:=:villa&filter=properties.country:==:AT");
    expect(view.conditions).toEqual([
      { field: "name", operator: "~", value: "villa" },
      { field: "properties.country", operator: "=", value: "AT" },
    ]);
  });

  it("that is filtered or ordered otherwise begins with its first page; other columns leave it where it was", () => {
    const { view } = parse("page=3");
    expect(changeView(view, { columns: ["id"] }).page).toBe(3);
    expect(changeView(view, { page: 4 }).page).toBe(4);
    expect(changeView(view, { text: "x" }).page).toBe(1);
    expect(changeView(view, { sorts: [] }).page).toBe(1);
    // No order at all is the usual one.
    expect(formatView(changeView(view, { sorts: [] })).toString()).toBe("");
  });

  it("has bounds, and says where it goes beyond them", () => {
    const params = new URLSearchParams();
    for (let at = 0; at < 100; at++) params.append("filter", `battery.soc:>:${at}`);
    params.set("sort", "a,b,c,d,e,f");
    params.set("columns", Array.from({ length: 100 }, (_, at) => `column_${at}`).join());
    const { view, faults } = parseView(params);
    expect(view.conditions).toHaveLength(viewLimits.conditions);
    expect(view.sorts).toHaveLength(viewLimits.sorts);
    expect(view.columns.length).toBeLessThanOrEqual(viewLimits.columns + 1);
    expect(faults).toHaveLength(3);
  });
});

describe("a click on the head of a column", () => {
  const sorts = (text: string): Sort[] =>
    text.split(",").map((name) => ({ field: name.replace("-", ""), descending: name.startsWith("-") }));

  it.each([
    ["orders by it, quantities from the largest", "id", "solar.power", false, "-solar.power"],
    ["turns it the second time", "-solar.power", "solar.power", false, "solar.power"],
    ["begins with the youngest age", "id", "age", false, "age"],
    ["adds it to the order with Shift", "id,-solar.power", "age", true, "id,-solar.power,age"],
    ["turns it in its place with Shift", "id,-solar.power,age", "solar.power", true, "id,solar.power,age"],
    ["takes it out with Shift the third time", "id,solar.power,age", "solar.power", true, "id,age"],
    ["gives up the first column where there are four", "a,b,c,d", "e", true, "b,c,d,e"],
  ] as const)("%s", (_, before, field, adds, after) => {
    expect(turnSort(sorts(before), field, adds)).toEqual(sorts(after));
  });

  it("leaves no order of its own the third time", () => {
    expect(turnSort(sorts("solar.power"), "solar.power", false)).toEqual([]);
  });
});
