import { expect, test } from "vitest";
import { seal, sealKeyOf, unseal } from "./sealed-token.ts";

const salt = Buffer.alloc(16, 7);
const key = sealKeyOf("the token of before", salt);

test("what is sealed is read with the token that it was sealed for, and shows nothing of itself", () => {
  const sealed = seal("wb_the new one", key);
  expect(unseal(sealed, "the token of before", salt)).toBe("wb_the new one");
  expect(sealed.includes("wb_the new one")).toBe(false);
  expect(seal("wb_the new one", key).equals(sealed)).toBe(false);
});

test("another token, another salt, or a flipped bit opens nothing", () => {
  const sealed = seal("wb_the new one", key);
  expect(() => unseal(sealed, "another token", salt)).toThrow();
  expect(() => unseal(sealed, "the token of before", Buffer.alloc(16, 8))).toThrow();
  for (const at of [0, 33, sealed.length - 1]) {
    const bent = Buffer.from(sealed);
    bent[at] = (bent[at] ?? 0) ^ 1;
    expect(() => unseal(bent, "the token of before", salt)).toThrow();
  }
});
