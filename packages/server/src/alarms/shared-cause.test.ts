import { describe, expect, test } from "vitest";
import { describeCause, FleetTraits, findCause, traitsOf } from "./shared-cause.ts";

type Properties = Readonly<Record<string, string>>;

function causeOf(silent: readonly Properties[], others: readonly Properties[]): string | null {
  const fleet = new FleetTraits();
  for (const properties of [...silent, ...others]) fleet.add(properties);
  const cause = findCause(
    silent.map((properties) => ({ traits: traitsOf(properties) })),
    fleet,
  );
  return cause === null ? null : describeCause(cause);
}

const times = (count: number, properties: Properties): Properties[] => Array.from({ length: count }, () => properties);

describe("what silent devices share", () => {
  test.each([
    ["a place", times(41, { place: "Uppsala" }), times(50, { place: "Lund" }), "41 of 41 in Uppsala"],
    ["a version", times(4, { software_version: "2.1.0" }), times(9, { software_version: "2.0.0" }), "all with 2.1.0"],
    ["one of their tags", times(3, { tags: "roof, leased" }), times(9, { tags: "roof" }), "3 of 3 tagged leased"],
    ["the server, where all are", [{ place: "A" }, { place: "B" }, { place: "C" }], [], "3 of 3 on this server"],
    ["a site rather than its place", times(2, { site: "north", place: "Lund" }), times(5, {}), "2 of 2 at site north"],
    ["most of a place", times(9, { place: "Lund" }), [{ place: "Lund" }, ...times(50, {})], "9 of 10 in Lund"],
  ])("is %s", (_, silent, others, words) => expect(causeOf(silent, others)).toBe(words));

  test.each([
    ["what few of those have that share it", times(2, { country: "SE" }), times(50, { country: "SE" })],
    ["what one alone has", [{ site: "north" }, { site: "south" }], times(20, {})],
  ])("is not %s", (_, silent, others) => expect(causeOf(silent, others)).toBeNull());

  test("is counted anew when devices change and go", () => {
    const fleet = new FleetTraits();
    fleet.add({ site: "north" });
    fleet.add({ site: "north" });
    fleet.remove({ site: "north" });
    expect([fleet.count("site north"), fleet.count("server ")]).toEqual([1, 1]);
    fleet.remove({ site: "north" });
    expect(fleet.count("site north")).toBe(0);
  });
});
