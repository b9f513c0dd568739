import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { newToken } from "./new-token.ts";

test("a token has the server's form: a secret of 43 digits and the checksum of it", () => {
  const tokens = Array.from({ length: 200 }, () => newToken());
  expect(new Set(tokens).size).toBe(200);
  for (const token of tokens) {
    const [, secret = "", checksum = ""] = /^wb_(\w{43})(\w{6})$/.exec(token) ?? [];
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    expect([...checksum].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)).toBe(crc32(secret));
  }
});

test("all of the random bits are in it", () => {
  expect(newToken(new Uint8Array(32))).toMatch(/^wb_0{43}/);
  const flipped = Array.from({ length: 32 }, (_, at) =>
    newToken(new Uint8Array(32).map((_zero, index) => (index === at ? 1 : 0))),
  );
  expect(new Set(flipped).size).toBe(32);
});
