import { expect, it } from "vitest";
import { placeOf } from "./place.ts";

it.each([
  [{ place: "Umeå", country: "SE" }, "Umeå, Sweden"],
  [{ place: "Umeå", country: "Sverige" }, "Umeå, Sverige"],
  [{ country: "ZZ9" }, "ZZ9"],
  [{ place: "Barn" }, "Barn"],
  [{}, ""],
])("the properties %o stand at %j", (properties, place) => {
  expect(placeOf(properties)).toBe(place);
});
