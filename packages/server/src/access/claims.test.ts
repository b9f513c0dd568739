import { DatabaseSync } from "node:sqlite";
import { isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { migrate } from "../base/migrate.ts";
import { accessSchema } from "./access-file.ts";
import { Claims, normalClaimCode } from "./claims.ts";

function open(database = new DatabaseSync(":memory:")) {
  migrate(database, accessSchema);
  const accounts = new Map([["ann", { createdAtMs: 1 }]]);
  const clock = new ManualClock();
  const reopen = () => new Claims(database, clock, { find: (name) => accounts.get(name) });
  return { accounts, clock, claims: reopen(), reopen };
}

function label(claims: Claims, deviceId = "ems_001"): string {
  const [code] = claims.label([deviceId]);
  if (code === undefined || isRefusal(code)) throw new Error("no code");
  return code;
}

test("a code is 100 random bits in groups, and is read however people type it", () => {
  const { claims } = open();
  const code = label(claims);
  expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){3}$/);
  expect(label(claims)).not.toBe(code);
  const newest = label(claims);
  expect(claims.isCode("ems_001", code)).toBe(false);
  const typed = newest.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
  expect(claims.isCode("ems_001", typed)).toBe(true);
  expect(normalClaimCode(` ${"A".repeat(200)}`).length).toBeLessThanOrEqual(64);
});

test("a claimed device gets no new code while its owner has an account; what stands holds after a restart", () => {
  const { accounts, claims, reopen } = open();
  const code = label(claims);
  claims.claim("ems_001", { name: "ann", sinceMs: 1 });
  const again = reopen();
  expect(again.ownerOf("ems_001")).toEqual({ name: "ann", sinceMs: 1 });
  expect(again.isCode("ems_001", code)).toBe(true);
  expect(again.label(["ems_001"])).toMatchObject([{ code: "device_claimed" }]);
  // Another one of her name is somebody else.
  accounts.set("ann", { createdAtMs: 2 });
  expect(again.ownerOf("ems_001")).toBeNull();
  expect(typeof again.label(["ems_001"])[0]).toBe("string");
});

test("wrong codes are counted for the address and for the device, also for one that does not exist", () => {
  const { claims, clock } = open();
  const many = Array.from({ length: 6 }, () => claims.noteWrong("nobody", "192.0.2.1"));
  expect(many).toEqual([false, false, false, false, true, true]);
  for (let n = 0; n < 4; n++) claims.noteWrong(`other_${n}`, "192.0.2.1");
  expect(claims.waitMs("192.0.2.1")).toBeGreaterThan(0);
  expect(claims.waitMs("198.51.100.7")).toBe(0);
  clock.advance(30_000);
  expect(claims.waitMs("192.0.2.1")).toBe(0);
});
