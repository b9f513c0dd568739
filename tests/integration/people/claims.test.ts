// Whoever holds a box, and so the code on its label, takes it over (docs/adr/0073): once, with all that follows for those who had it before.

import type {
  AuditBody,
  ClaimableBody,
  ClaimBody,
  ClaimCodesBody,
  ClaimedBody,
  DevicesBody,
  MeBody,
  PersonBody,
  SamplesBody,
} from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { BrowserLike, createAdministrator, forPeople, invite } from "../../support/people.ts";
import { openDevice, openSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

async function start(settings: Readonly<Record<string, string>> = {}) {
  const server = await startServer({ settings: { ...forPeople.settings, ...settings } });
  const admin = await createAdministrator(server);
  const token = server.addDevice("box");
  const label = async (deviceId = "box"): Promise<{ device_id: string; code: string }> => {
    const made = await admin.json<ClaimCodesBody>("POST", "/claim-codes", { device_ids: [deviceId] });
    const { device_id, code } = made.claim_codes[0] ?? { device_id: "", code: "" };
    return { device_id, code };
  };
  return { server, admin, token, label };
}

/** Somebody in a browser of their own; each comes from an address of their own. */
const somebody = (server: TestServer) => new BrowserLike(server.url);
const account = (name: string) => ({ account: { name, password: `${name}'s long password` } });

async function refusalOf(answer: Response): Promise<[number, string]> {
  return [answer.status, ((await answer.json()) as { code: string }).code];
}

async function contested(who: BrowserLike): Promise<number> {
  const told = await who.json<{ events: { kind: string }[] }>("GET", "/events?kind=claim_contested");
  return told.events.length;
}

async function knock(server: TestServer, token: string): Promise<number> {
  const answer = await tryOpenSocket(`${server.wsUrl}/ws/device/box`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return "status" in answer ? answer.status : 101;
}

describe("a claim", () => {
  test("by somebody without an account makes one, and the box is theirs alone", async () => {
    const { server, admin, label, token } = await start();
    server.addDevice("foreign");
    const code = await label();
    const ann = somebody(server);
    expect(await ann.json<ClaimableBody>("POST", "/claims/inspect", code)).toEqual({
      device_id: "box",
      name: "box",
      may_sign_up: true,
      signed_in_as: null,
      is_own: false,
    });
    const claimed = await ann.json<ClaimedBody>("POST", "/claims", { ...code, ...account("ann") });
    expect(claimed).toMatchObject({ device_id: "box", me: { name: "ann", role: "operator", devices: ["box"] } });
    expect(await ann.json<MeBody>("GET", "/me")).toMatchObject({ name: "ann", kind: "person" });
    const { devices } = await ann.json<DevicesBody>("GET", "/devices");
    expect(devices.map(({ device_id }) => device_id)).toEqual(["box"]);
    // The device is away: its new token is shown, and the one before is void once it has come with that.
    expect(claimed.token).toMatch(/^wb_/);
    expect(await knock(server, token)).toBe(101);
    expect(await knock(server, claimed.token ?? "")).toBe(101);
    expect(await knock(server, token)).toBe(403);
    expect(await ann.json<ClaimBody>("GET", "/devices/box/claim")).toMatchObject({
      state: "claimed",
      owner: "ann",
      may_release: true,
    });
    const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?action=device.claim");
    expect(audit).toMatchObject([{ device_id: "box", target: "ann", outcome: "done" }]);
    expect(JSON.stringify(audit)).not.toContain(code.code);
  });

  test("by somebody who is signed in adds the box to theirs", async () => {
    const { server, admin, label } = await start();
    server.addDevice("mine");
    const ann = await invite(admin, "ann", { role: "operator", devices: ["mine"] });
    await ann.json("POST", "/claims", await label());
    expect((await ann.json<MeBody>("GET", "/me")).devices).toEqual(["mine", "box"]);
    const eve = await invite(admin, "eve", { role: "viewer", devices: [] });
    server.addDevice("second");
    await eve.json("POST", "/claims", await label("second"));
    expect(await eve.json<MeBody>("GET", "/me")).toMatchObject({ role: "operator", devices: ["second"] });
  });

  test("makes nobody operator of what they may only look at", async () => {
    const { server, admin, label } = await start();
    server.addDevice("neighbour");
    const code = await label();
    for (const devices of [["neighbour"], null]) {
      const bob = await invite(admin, devices === null ? "bob" : "bea", { role: "viewer", devices });
      expect(await refusalOf(await bob.ask("POST", "/claims", code))).toEqual([403, "not_permitted"]);
    }
    // Nothing was done: the code is good.
    await somebody(server).json("POST", "/claims", { ...code, ...account("ann") });
  });

  test("hands the token to a device that takes it over its link, and shows it to nobody", async () => {
    const { server, label, token } = await start();
    const device = await openSocket(`${server.wsUrl}/ws/device/box`, {
      headers: { authorization: `Bearer ${token}` },
      protocols: ["wattboard.v1"],
    });
    device.send({ type: "hello", takes_tokens: true });
    device.send({ type: "peers", subscribe: true });
    await device.receive(3);
    const ann = somebody(server);
    const claimed = await ann.json<ClaimedBody>("POST", "/claims", { ...(await label()), ...account("ann") });
    expect(claimed).toMatchObject({ token: null, rotation: { state: "offered" } });
    await eventually(() => expect(device.received.some((text) => text.includes('"type":"token"'))).toBe(true));
  });

  test("takes the box from others who had it in their lists, with links, tokens and waiting commands of theirs", async () => {
    const { server, admin, label } = await start();
    const fitter = await invite(admin, "fitter", { role: "operator", devices: ["box"] });
    const link = await fitter.json<{ path: string }>("POST", "/devices/box/share-links", {
      label: "x",
      ttl_ms: 60_000,
    });
    const script = { name: "script", role: "operator", devices: ["box"] };
    const { token: apiToken } = await admin.json<{ token: string }>("POST", "/api-tokens", script);
    const given = await fitter.json<{ command_id: string }>("POST", "/devices/box/commands", {
      action: "RESET_ERROR",
      payload: {},
      ttl_ms: 60_000,
    });
    const ann = somebody(server);
    await ann.json("POST", "/claims", { ...(await label()), ...account("ann") });
    expect((await fitter.ask("GET", "/devices/box")).status).toBe(404);
    const headers = { authorization: `Bearer ${apiToken}` };
    expect((await fetch(`${server.url}/api/v1/devices/box`, { headers })).status).toBe(404);
    const guest = await somebody(server).ask("POST", "/share-session", { token: link.path.split("#")[1] });
    expect(guest.status).toBe(404);
    const command = await ann.json<{ status: string }>("GET", `/devices/box/commands/${given.command_id}`);
    expect(command.status).toBe("cancelled");
    expect((await admin.ask("GET", "/devices/box")).status).toBe(200);
  });

  test("needs an account where nobody may make one with it", async () => {
    const { server, admin, label } = await start({ "access.claim_sign_up": "false" });
    const code = await label();
    const ann = somebody(server);
    expect(await ann.json("POST", "/claims/inspect", code)).toMatchObject({ may_sign_up: false });
    expect(await refusalOf(await ann.ask("POST", "/claims", { ...code, ...account("ann") }))).toEqual([
      403,
      "not_permitted",
    ]);
    expect(await refusalOf(await ann.ask("POST", "/claims", code))).toEqual([401, "unauthorized"]);
    const bob = await invite(admin, "bob", { role: "operator", devices: [] });
    await bob.json("POST", "/claims", code);
  });

  test("with a name that is taken, or a poor password, is refused, and the code stays good", async () => {
    const { server, admin, label } = await start();
    await invite(admin, "bob", { role: "viewer", devices: [] });
    const code = await label();
    const ann = somebody(server);
    const poor = { account: { name: "ann", password: "short" } };
    expect(await refusalOf(await ann.ask("POST", "/claims", { ...code, ...poor }))).toEqual([400, "invalid_request"]);
    expect(await refusalOf(await ann.ask("POST", "/claims", { ...code, ...account("Bob") }))).toEqual([
      409,
      "person_exists",
    ]);
    expect(await refusalOf(await ann.ask("POST", "/claims", { ...code, ...account("no name") }))).toEqual([
      400,
      "invalid_request",
    ]);
    await ann.json("POST", "/claims", { ...code, ...account("ann") });
    expect((await admin.json<{ people: PersonBody[] }>("GET", "/people")).people.map(({ name }) => name)).toEqual([
      "ann",
      "bob",
      "root",
    ]);
  });

  test("of two who come at once, one has it, and the other is told so", async () => {
    const { server, admin, label } = await start();
    const code = await label();
    const answers = await Promise.all(
      ["ann", "eve"].map((name) => somebody(server).ask("POST", "/claims", { ...code, ...account(name) })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await admin.json<{ people: PersonBody[] }>("GET", "/people")).people).toHaveLength(2);
  });
});

describe("a code", () => {
  test("is worthless once it was used: whoever else comes with it is refused, and owner and administrator hear of it", async () => {
    const { server, admin, label } = await start();
    const code = await label();
    const ann = somebody(server);
    await ann.json("POST", "/claims", { ...code, ...account("ann") });
    expect(await ann.json("POST", "/claims/inspect", code)).toMatchObject({ is_own: true });
    expect(await ann.json<ClaimedBody>("POST", "/claims", code)).toMatchObject({ token: null });
    expect(await contested(admin)).toBe(0);
    const eve = somebody(server);
    expect(await refusalOf(await eve.ask("POST", "/claims/inspect", code))).toEqual([409, "device_claimed"]);
    expect(await refusalOf(await eve.ask("POST", "/claims", { ...code, ...account("eve") }))).toEqual([
      409,
      "device_claimed",
    ]);
    expect(await contested(admin)).toBe(1);
    expect(await contested(ann)).toBe(1);
  });

  test("that is wrong looks the same for every device and for none, and stops after ten from one address", async () => {
    const { server, admin, label } = await start();
    await label();
    server.addDevice("unlabelled");
    const answers: unknown[] = [];
    const eve = somebody(server);
    for (const device_id of ["box", "unlabelled", "nowhere", "../etc"]) {
      const answer = await eve.ask("POST", "/claims/inspect", { device_id, code: "00000-00000-00000-00000" });
      answers.push([answer.status, await answer.text()]);
    }
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
    for (let n = 0; n < 6; n++) await eve.ask("POST", "/claims/inspect", { device_id: "box", code: "wrong" });
    const stopped = await eve.ask("POST", "/claims/inspect", await label());
    expect([stopped.status, Number(stopped.headers.get("retry-after")) > 0]).toEqual([429, true]);
    // Seven wrong ones for one box: somebody tries.
    await eventually(async () => expect(await contested(admin)).toBe(1));
  });

  test("gives way to a newer one, and there is none for a box that is claimed", async () => {
    const { server, admin, label } = await start();
    const older = await label();
    const newer = await label();
    const ann = somebody(server);
    expect(await refusalOf(await ann.ask("POST", "/claims/inspect", older))).toEqual([404, "claim_not_valid"]);
    await ann.json("POST", "/claims", { ...newer, ...account("ann") });
    const made = await admin.json<ClaimCodesBody>("POST", "/claim-codes", { device_ids: ["box", "nobody"] });
    expect(made.claim_codes).toEqual([]);
    expect(made.refused.map(({ device_id, code }) => [device_id, code])).toEqual([
      ["box", "device_claimed"],
      ["nobody", "unknown_device"],
    ]);
  });

  test("is kept as a hash, and holds after a restart", async () => {
    const { server, label } = await start();
    const code = await label();
    await server.stop();
    const again = await startServer({ dataDir: server.dataDir, ...forPeople });
    await somebody(again).json("POST", "/claims", { ...code, ...account("ann") });
    await again.stop();
    const last = await startServer({ dataDir: server.dataDir, ...forPeople });
    const eve = somebody(last);
    expect(await refusalOf(await eve.ask("POST", "/claims/inspect", code))).toEqual([409, "device_claimed"]);
  });
});

describe("giving a box up", () => {
  async function claimed() {
    const started = await start();
    const ann = somebody(started.server);
    const { token } = await ann.json<ClaimedBody>("POST", "/claims", { ...(await started.label()), ...account("ann") });
    return { ...started, ann, boxToken: token ?? "" };
  }

  test.each(["its owner", "an administrator"])(
    "by %s makes it nobody's; it begins anew, and needs a new label",
    async (who) => {
      const { server, admin, ann, boxToken, label } = await claimed();
      const device = await openDevice(server.wsUrl, "box", boxToken);
      device.send(sampleOf("box"));
      await eventually(async () => {
        expect((await ann.json<SamplesBody>("GET", "/devices/box/samples")).samples).toHaveLength(1);
      });
      await (who === "its owner" ? ann : admin).json("DELETE", "/devices/box/claim").catch((error: Error) => {
        // Whoever gives it up does not see it any more, and so not its claim either.
        if (who !== "its owner") throw error;
      });
      expect((await device.closed).code).toBe(1012);
      expect((await ann.ask("GET", "/devices/box")).status).toBe(404);
      expect(await admin.json<ClaimBody>("GET", "/devices/box/claim")).toMatchObject({ state: "none", owner: null });
      // Its token holds: it comes again, and with it nothing of the household of before.
      (await openDevice(server.wsUrl, "box", boxToken)).send(sampleOf("box"));
      const eve = somebody(server);
      await eve.json("POST", "/claims", { ...(await label()), ...account("eve") });
      await eventually(async () => {
        expect((await eve.json<SamplesBody>("GET", "/devices/box/samples")).samples).toHaveLength(1);
      });
      const { audit } = await admin.json<{ audit: AuditBody[] }>("GET", "/audit?action=device.release");
      expect(audit).toMatchObject([{ device_id: "box", outcome: "done" }]);
    },
  );

  test("is not for others who may command it", async () => {
    const { server, admin } = await claimed();
    const fitter = await invite(admin, "fitter", { role: "operator", devices: null });
    expect(await refusalOf(await fitter.ask("DELETE", "/devices/box/claim"))).toEqual([409, "device_claimed"]);
    expect(server.devices.find("box")?.registration.key).toBe("box");
  });

  test("a device that is removed has no claim any more, and a later one of its id is unclaimed", async () => {
    const { server, admin, label } = await claimed();
    await admin.json("DELETE", "/devices/box");
    server.addDevice("box");
    expect(await admin.json<ClaimBody>("GET", "/devices/box/claim")).toMatchObject({ state: "none" });
    await somebody(server).json("POST", "/claims", { ...(await label()), ...account("eve") });
  });
});

describe("labels", () => {
  test("come as a PDF of A4 sheets where the server knows its address, and all devices can get one", async () => {
    const { server, admin } = await start({ public_url: "https://board.example.org" });
    for (let n = 0; n < 30; n++) server.addDevice(`ems_${n}`);
    const device_ids = Array.from({ length: 30 }, (_, n) => `ems_${n}`);
    const answer = await admin.ask("POST", "/claim-labels", { device_ids });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/pdf"]);
    const pdf = Buffer.from(await answer.arrayBuffer()).toString("latin1");
    expect(pdf.slice(0, 5)).toBe("%PDF-");
    expect(pdf.match(/\/Type \/Page\b/g)).toHaveLength(2);
    expect((await admin.ask("POST", "/claim-labels", { device_ids: ["ems_0", "nobody"] })).status).toBe(404);
    const { claim_codes: codes } = await admin.json<ClaimCodesBody>("POST", "/claim-codes", { device_ids: ["ems_0"] });
    expect(codes[0]?.url).toBe(`https://board.example.org/claim#ems_0.${codes[0]?.code}`);
  });

  test("are refused where the server does not know its address", async () => {
    const { admin } = await start();
    expect((await admin.ask("POST", "/claim-labels", { device_ids: ["box"] })).status).toBe(400);
  });
});
