import { expect, test } from "vitest";
import { socketLimits } from "./socket-bound.ts";

test.each([
  ["without a limit, as many as the setting says", 100_000, null, 50, { socketsMax: 100_000, spareSockets: 64 }],
  ["with a limit far above the setting, the same", 1_000, 1_048_576, 50, { socketsMax: 1_000, spareSockets: 64 }],
  [
    "with a limit of 20,000, what files and requests leave",
    100_000,
    20_000,
    50,
    { socketsMax: 19_822, spareSockets: 64 },
  ],
  ["with a limit of 300", 100_000, 300, 44, { socketsMax: 160, spareSockets: 32 }],
  ["with a limit that is all but used up, still one", 100_000, 64, 60, { socketsMax: 2, spareSockets: 1 }],
  ["with one that is used up, still one", 100_000, 64, 70, { socketsMax: 1, spareSockets: 1 }],
])("%s", (_, wanted, descriptorsMax, open, expected) => {
  expect(socketLimits(wanted, descriptorsMax, open)).toEqual(expected);
});
