import { expect, test } from "vitest";
import { changesOf, formatOthers, parseProperties, readRegistration, tidyTags } from "./registration-fields.ts";

test("an empty field says nothing, tags are tidied, and the other properties stand in lines", () => {
  const form = new FormData();
  for (const [name, value] of [
    ["name", " Cellar "],
    ["country", "AT"],
    ["place", ""],
    ["tags", "roof,, north ,roof"],
    ["others", "firmware = 2.1=b\n\nowner=ann"],
  ] as const) {
    form.set(name, value);
  }
  expect(readRegistration(form)).toEqual({
    name: "Cellar",
    properties: { country: "AT", tags: "roof, north", firmware: "2.1=b", owner: "ann" },
  });
});

test("a line that is not name=value is named", () => {
  expect(() => parseProperties("owner=ann\nfirmware 2.1")).toThrow("“firmware 2.1” is not name=value.");
  expect(() => parseProperties("=2.1")).toThrow("is not name=value");
});

test("only what has changed is sent, and null for what is gone", () => {
  expect(changesOf({ a: "1", b: "2", c: "3" }, { a: "1", b: "4", d: "5" })).toEqual({ b: "4", d: "5", c: null });
});

test("what has a field of its own is not among the others", () => {
  expect(formatOthers({ country: "AT", site: "harbour", firmware: "2" })).toBe("firmware=2");
  expect(tidyTags(" , ")).toBe("");
});
