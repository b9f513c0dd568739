import type { MeBody, ShareLinkBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { BrowserLike, knock, startWithOwner, tokenOf } from "../../support/people.ts";
import { openSocket } from "../../support/sockets.ts";

describe("a share link", () => {
  test("shows one device to whoever has it, without an account, until it is revoked", async () => {
    const { server, ann } = await startWithOwner();
    const { share_link, path } = await ann.json<{ share_link: ShareLinkBody; path: string }>(
      "POST",
      "/devices/mine/share-links",
      { label: "Installer", ttl_ms: 3_600_000 },
    );
    const guest = new BrowserLike(server.url);
    expect((await guest.ask("GET", "/devices/mine")).status).toBe(401);
    expect(await guest.json("POST", "/share-session", { token: tokenOf(path) })).toMatchObject({ device_id: "mine" });
    expect(await guest.json<MeBody>("GET", "/me")).toMatchObject({
      kind: "share",
      role: "viewer",
      devices: [],
      shared_devices: ["mine"],
    });
    for (const each of ["/devices/mine", "/devices/mine/samples"]) {
      expect((await guest.ask("GET", each)).status).toBe(200);
    }
    expect((await guest.ask("GET", "/devices/foreign")).status).toBe(404);
    expect((await guest.ask("GET", "/devices/mine/share-links")).status).toBe(403);
    expect(await knock(server, guest, "/ws/dashboard/foreign")).toBe(404);
    const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/mine`, { headers: guest.handshake });
    await dashboard.receive(1);

    await ann.json("DELETE", `/devices/mine/share-links/${share_link.share_id}`);
    expect((await dashboard.closed).reason).toBe("rights changed");
    expect((await guest.ask("GET", "/devices/mine")).status).toBe(401);
    expect((await guest.ask("POST", "/share-session", { token: tokenOf(path) })).status).toBe(404);
  });

  test("adds its device to what somebody who is signed in may see, but gives them no right to command or share it", async () => {
    const { server, admin, ann } = await startWithOwner();
    const { path } = await admin.json<{ path: string }>("POST", "/devices/foreign/share-links", {
      label: "for ann",
      ttl_ms: 60_000,
    });
    await ann.json("POST", "/share-session", { token: tokenOf(path) });
    expect(await ann.json("GET", "/me")).toMatchObject({ name: "ann", devices: ["mine"], shared_devices: ["foreign"] });
    expect(await knock(server, ann, "/ws/dashboard/foreign")).toBe(101);
    expect((await ann.ask("GET", "/devices/foreign/share-links")).status).toBe(403);
    await ann.json("DELETE", "/session");
    expect(await ann.json("GET", "/me")).toMatchObject({ kind: "share" });
  });
});
