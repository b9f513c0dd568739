import { expect, test } from "vitest";
import { isSameRequester, localRequester, type Requester, readRequester, requesterText } from "./requester.ts";

const ann: Requester = { kind: "person", name: "ann", sinceMs: 1_000 };

test("what commands of earlier versions say of who gave them is read as whom it means", () => {
  const token: Requester = { kind: "token", name: "cellar of ann", sinceMs: null };
  for (const requester of [{ ...ann, sinceMs: null }, token, localRequester]) {
    expect(readRequester(requesterText(requester))).toEqual(requester);
  }
});

test("another one of the same name is somebody else, unless the time was not kept", () => {
  expect(isSameRequester(ann, { ...ann })).toBe(true);
  expect(isSameRequester(ann, { ...ann, sinceMs: 2_000 })).toBe(false);
  expect(isSameRequester(ann, { ...ann, kind: "token" })).toBe(false);
  expect(isSameRequester(ann, readRequester("person ann"))).toBe(true);
});
