import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { localRequester } from "../base/requester.ts";
import { lockAccessFile, readyAccessFile } from "./access-file.ts";
import { ApiTokens } from "./api-tokens.ts";
import { People } from "./people.ts";
import { Requesters } from "./requesters.ts";
import { Revocations } from "./revocations.ts";
import { ShareLinks } from "./share-links.ts";

function setUp() {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-share-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const clock = new ManualClock(1_000_000);
  const file = lockAccessFile(folder);
  readyAccessFile(folder, file);
  onTestFinished(() => file.close());
  const revocations = new Revocations(folder);
  onTestFinished(() => revocations.close());
  const people = new People(file, clock, revocations);
  const apiTokens = new ApiTokens(file, clock, people, revocations);
  const shareLinks = new ShareLinks(file, clock, new Requesters({ people, apiTokens }), revocations);
  const share = (deviceId: string): string => {
    const added = shareLinks.add(deviceId, { label: "x", ttlMs: 3_600_000, madeBy: localRequester });
    return isRefusal(added) ? "" : added.path.slice("/share#".length);
  };
  const open = (secret: string, address: string, before: string | null = null): string => {
    const opened = shareLinks.open(secret, { before, address });
    return isRefusal(opened) ? "" : opened.cookie;
  };
  return { shareLinks, share, open };
}

test("whoever has a link signs out nobody who has another, however often and from however many addresses it is opened", () => {
  const { shareLinks, share, open } = setUp();
  const others = share("others");
  const victims = Array.from({ length: 50 }, (_, at) => open(others, `10.0.0.${at}`));
  const own = share("own");
  for (let times = 0; times < 10_050; times++) open(own, `10.1.${times >> 8}.${times & 255}`);
  expect(victims.filter((cookie) => shareLinks.findSession(cookie) === undefined)).toEqual([]);
});

test("of one link 32 browsers look from one address; one more takes the place of the first, and of nobody elsewhere", () => {
  const { shareLinks, share, open } = setUp();
  const secret = share("own");
  const elsewhere = open(secret, "10.0.0.2");
  const cookies = Array.from({ length: 33 }, () => open(secret, "10.0.0.1"));
  expect(shareLinks.findSession(cookies[0] ?? "")).toBeUndefined();
  expect([elsewhere, ...cookies.slice(1)].filter((each) => shareLinks.findSession(each) === undefined)).toEqual([]);
});

test("a browser that opens a second link has both with its new cookie, and the old one is void", () => {
  const { shareLinks, share, open } = setUp();
  const first = open(share("one"), "10.0.0.1");
  const second = open(share("two"), "10.0.0.1", first);
  expect(shareLinks.findSession(first)).toBeUndefined();
  expect(shareLinks.findSession(second)?.links.map(({ deviceId }) => deviceId)).toEqual(["one", "two"]);
});
