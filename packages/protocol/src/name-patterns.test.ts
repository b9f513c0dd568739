import { expect, test } from "vitest";
import { deviceIdPattern } from "./device-id.ts";
import { limits } from "./limits.ts";
import { commandIdPattern, namePattern, pointNamePattern, propertyKeyPattern } from "./name-patterns.ts";

test.each([
  ["a name", namePattern, limits.nameLengthMax],
  ["a command's id", commandIdPattern, limits.nameLengthMax],
  ["a property's key", propertyKeyPattern, limits.nameLengthMax],
  ["a device's id", deviceIdPattern, limits.deviceIdLengthMax],
])("%s may be as long as the limit says, and no longer", (_what, pattern, lengthMax) => {
  expect([pattern.test("a".repeat(lengthMax)), pattern.test("a".repeat(lengthMax + 1))]).toEqual([true, false]);
});

test("both parts of a point's name may be as long as a name", () => {
  const [name, longer] = ["a".repeat(limits.nameLengthMax), "a".repeat(limits.nameLengthMax + 1)];
  const isPoint = (text: string) => pointNamePattern.test(text);
  expect([name, `${name}.${name}`, longer, `${name}.${longer}`, `${name}.`].map(isPoint)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
