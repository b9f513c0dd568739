import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { Credentials } from "./credentials.ts";
import { fileTokenStore } from "./token-store.ts";

const server = "wss://board.example.org/ws/device/ems_001";
let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-token-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  path = join(folder, "deep", "token.json");
});

const frame = { type: "token", token_id: "t1", token: "wb_new" } as const;

test("the token that the server has sent comes first, after a restart too; the one that was given is the other", async () => {
  const device = new Credentials("wb_given", server, fileTokenStore(path));
  expect(device.token).toBe("wb_given");
  expect(await device.take(frame)).toEqual({ type: "token_stored", token_id: "t1" });
  expect(device.token).toBe("wb_new");
  const again = new Credentials("wb_given", server, fileTokenStore(path));
  expect(again.token).toBe("wb_new");
  expect([again.refused(), again.token]).toEqual([true, "wb_given"]);
  expect([again.refused(), again.token]).toEqual([false, "wb_new"]);
  expect(again.refused()).toBe(true);
  again.accepted();
  // What works is gone on with.
  expect(again.token).toBe("wb_given");
});

test("with one token alone there is no other", () => {
  const device = new Credentials("wb_given", server, null);
  expect(device.takesTokens).toBe(false);
  expect([device.refused(), device.token]).toEqual([false, "wb_given"]);
});

test("a token goes to the server that has sent it alone", async () => {
  await new Credentials("wb_given", server, fileTokenStore(path)).take(frame);
  expect(new Credentials("wb_given", "wss://elsewhere.example.org/", fileTokenStore(path)).token).toBe("wb_given");
});

test("a token that cannot be stored is not used, nor answered", async () => {
  const device = new Credentials("wb_given", server, {
    load: () => null,
    save: () => Promise.reject(new Error("the disk is full")),
  });
  await expect(device.take(frame)).rejects.toThrow("full");
  expect(device.token).toBe("wb_given");
});

test("the file is its owner's alone, and one that is torn counts as none", async () => {
  await new Credentials("wb_given", server, fileTokenStore(path)).take(frame);
  expect(statSync(path).mode & 0o077).toBe(0);
  writeFileSync(path, readFileSync(path).subarray(0, 20));
  expect(new Credentials("wb_given", server, fileTokenStore(path)).token).toBe("wb_given");
});
