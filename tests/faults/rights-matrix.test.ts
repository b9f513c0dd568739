import { readFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "@wattboard/protocol";
import { expect, test } from "vitest";
import { callerWith } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { BrowserLike, createAdministrator, invite, tokenOf } from "../support/people.ts";
import { openDevice, tryOpenSocket } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";
import { doors, others, type Right, table } from "./rights-table.ts";

/**
 * Every route of the OpenAPI document, asked by everybody, about their own device, one that is not theirs and one that does not exist. What each
 * may stands in `rights-table.ts`; a route of the document without a row fails, and so does a row without a route.
 */

interface Who {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly role: "none" | "viewer" | "operator" | "admin";
  /** Null: all. */
  readonly devices: readonly string[] | null;
  readonly isPerson?: boolean;
  /** Has a name here: an account, a token, the machine itself. */
  readonly isNamed?: boolean;
  /** Of this device it is the token. */
  readonly deviceToken?: string;
}

const ids = { own: "dev_own", foreign: "dev_for", unknown: "dev_unk" } as const;
/** Nobody who may not see the foreign device is told one of these. */
const secrets = ["Foreign household", "7777.125", "Place of others", "Label of others"];

interface Scene {
  readonly server: TestServer;
  readonly isPublic: boolean;
  readonly everybody: readonly Who[];
  readonly fleetId: string;
  alarmId(deviceId: string): string;
  shareId(deviceId: string): string;
}

async function open(dashboards: "people" | "public"): Promise<Scene> {
  const server = await startServer({
    settings: { "access.dashboards": dashboards, "smart_os.access": "token", "store.flush_ms": "10" },
  });
  const foreignToken = (
    server.devices.add({
      deviceId: ids.foreign,
      name: "Foreign household",
      properties: { place: "Place of others" },
    }) as {
      token: string;
    }
  ).token;
  const ownToken = server.addDevice(ids.own);
  const admin = await createAdministrator(server);
  const person = async (name: string, role: "viewer" | "operator", devices: readonly string[] | null): Promise<Who> => {
    const browser = await invite(admin, name, { role, devices });
    return { name, headers: browser.handshake, role, devices, isPerson: true, isNamed: true };
  };
  const token = (name: string, role: "viewer" | "operator" | "admin", devices: readonly string[] | null): Who => {
    const added = server.apiTokens.add(name, role, null, devices) as { token: string };
    return { name: `token ${name}`, headers: bearer(added.token), role, devices, isNamed: true };
  };
  const { path } = await admin.json<{ path: string }>("POST", `/devices/${ids.own}/share-links`, {
    label: "guest",
    ttl_ms: 3_600_000,
  });
  const guest = new BrowserLike(server.url);
  await guest.json("POST", "/share-session", { token: tokenOf(path) });
  const signedOut = await invite(admin, "acct_gone", { role: "operator", devices: null });
  const { handshake: old } = signedOut;
  await signedOut.json("DELETE", "/session");
  const removedToken = (server.apiTokens.add("removed", "admin", null) as { token: string }).token;
  server.apiTokens.remove("removed");
  const expired = (server.apiTokens.add("expired", "admin", 1_000) as { token: string }).token;
  await eventually(async () =>
    expect((await fetch(`${server.url}/api/v1/me`, { headers: bearer(expired) })).status).toBe(401),
  );
  const { token: local } = JSON.parse(readFileSync(join(server.dataDir, "control.json"), "utf8")) as { token: string };
  const nobody = { role: "none", devices: [] } as const;
  const isPublic = dashboards === "public";
  const anonymous = isPublic ? ({ role: "viewer", devices: [] } as const) : nobody;
  const everybody: Who[] = [
    { name: "administrator", headers: admin.handshake, role: "admin", devices: null, isPerson: true, isNamed: true },
    { name: "the machine itself", headers: bearer(local), role: "admin", devices: null, isNamed: true },
    await person("acct_operator", "operator", null),
    await person("acct_owner", "operator", [ids.own]),
    await person("acct_viewer", "viewer", null),
    await person("acct_guest", "viewer", [ids.own]),
    await person("acct_empty", "viewer", []),
    token("admin", "admin", null),
    token("operator", "operator", null),
    token("own operator", "operator", [ids.own]),
    token("viewer", "viewer", null),
    token("own viewer", "viewer", [ids.own]),
    { name: "guest of a share link", headers: guest.handshake, role: "viewer", devices: [ids.own] },
    { name: "anonymous", headers: { origin: server.url }, ...anonymous },
    { name: "signed out", headers: old, ...anonymous },
    { name: "made-up cookie", headers: { origin: server.url, cookie: "wattboard-insecure=wb_made_up" }, ...anonymous },
    { name: "page of another port", headers: { cookie: admin.cookie, "sec-fetch-site": "same-site" }, ...anonymous },
    { name: "page of another site", headers: { cookie: admin.cookie, "sec-fetch-site": "cross-site" }, ...anonymous },
    { name: "removed token", headers: bearer(removedToken), ...nobody },
    { name: "expired token", headers: bearer(expired), ...nobody },
    { name: "made-up token", headers: bearer("wb_made_up"), ...nobody },
    { name: "own device's token", headers: bearer(ownToken), ...nobody, deviceToken: ids.own },
    { name: "foreign device's token", headers: bearer(foreignToken), ...nobody, deviceToken: ids.foreign },
  ];
  await fill(server, admin, { own: ownToken, foreign: foreignToken });
  const operator = callerWith(server, local);
  const { body } = await operator.post<{ fleet_command_id: string }>("/fleet-commands", {
    action: "RESET_ERROR",
    payload: {},
    where: ["id != x"],
  });
  const alarmIds = await ring(server);
  return {
    server,
    isPublic,
    everybody,
    fleetId: body.fleet_command_id,
    alarmId: (deviceId) => alarmIds.get(deviceId) ?? "alm_none",
    shareId(deviceId) {
      const madeBy = { kind: "local", name: "local", sinceMs: null } as const;
      const label = deviceId === ids.own ? "own label" : "Label of others";
      const added = server.shareLinks.add(deviceId, { label, ttlMs: 3_600_000, madeBy });
      return "link" in added ? added.link.shareId : "none";
    },
  };
}

/** An alarm for each of both devices; by device. */
async function ring(server: TestServer): Promise<ReadonlyMap<string, string>> {
  server.alarms.tellDevice("contested", ids.own, {});
  server.alarms.tellDevice("values_left_out", ids.foreign, {});
  await eventually(() => expect(server.alarms.book.openCount).toBeGreaterThanOrEqual(2));
  return new Map(
    [...server.alarms.book.open()].flatMap(({ record, members }) =>
      [...members.values()].map(({ deviceId }) => [deviceId, record.alarmId] as const),
    ),
  );
}

/** Samples and a command for both devices, which are offline then. */
async function fill(server: TestServer, admin: BrowserLike, tokens: { own: string; foreign: string }): Promise<void> {
  for (const [deviceId, token, power] of [
    [ids.own, tokens.own, 100],
    [ids.foreign, tokens.foreign, 7777.125],
  ] as const) {
    const device = await openDevice(server.wsUrl, deviceId, token);
    device.send(sampleOf(deviceId, { grid: { power } } as never));
    const path = `/devices/${deviceId}/samples`;
    await eventually(async () => expect((await admin.json<{ samples: [] }>("GET", path)).samples).toHaveLength(1));
    device.webSocket.terminate();
    await eventually(async () =>
      expect(await admin.json("GET", `/devices/${deviceId}`)).toMatchObject({ online: false }),
    );
    await admin.json("POST", `/devices/${deviceId}/commands`, {
      action: "RESET_ERROR",
      payload: {},
      command_id: "cmd_1",
      ttl_ms: 3_600_000,
    });
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

type Verdict = "allowed" | "unauthorized" | "not_permitted" | "unknown_device" | "not_found" | "cross_origin";

/** What the tables say. */
function expected(right: Right, who: Who, deviceId: string, { isPublic }: Scene): Verdict {
  const ranks = ["none", "viewer", "operator", "admin"];
  const lacks = (role: string): Verdict | null => {
    if (ranks.indexOf(who.role) >= ranks.indexOf(role)) return null;
    const isUnknown = who.role === "none" || (!who.isNamed && who.name !== "guest of a share link");
    return isUnknown ? "unauthorized" : "not_permitted";
  };
  const isThere = deviceId !== ids.unknown;
  const isGiven = who.devices === null || who.devices.includes(deviceId);
  const isSeen = isThere && (isGiven || isPublic);
  const mayCommand = isGiven && ["operator", "admin"].includes(who.role);
  const seesAll = who.devices === null || isPublic;
  switch (right) {
    case "open":
      return "allowed";
    case "known":
      return lacks("viewer") ?? "allowed";
    case "named":
      return lacks("viewer") ?? (who.isNamed ? "allowed" : "unauthorized");
    case "view":
      return lacks("viewer") ?? (isSeen ? "allowed" : "unknown_device");
    case "view command":
      return lacks("viewer") ?? (isSeen ? "allowed" : "not_found");
    case "view all":
      return lacks("viewer") ?? (seesAll ? "allowed" : "not_permitted");
    case "share":
      return lacks("viewer") ?? (isSeen ? (mayCommand ? "allowed" : "not_permitted") : "unknown_device");
    case "command":
      return lacks("operator") ?? (isSeen ? (mayCommand ? "allowed" : "not_permitted") : "unknown_device");
    case "take on":
      return lacks("operator") ?? (isSeen ? (mayCommand ? "allowed" : "not_permitted") : "not_found");
    case "operator":
    case "admin":
      return lacks(right) ?? (right === "admin" && !isThere ? "unknown_device" : "allowed");
    case "see fleet command":
      return lacks("viewer") ?? (seesAll ? "allowed" : "not_found");
    case "end fleet command":
      return lacks("operator") ?? (who.devices === null ? "allowed" : "not_found");
    case "person":
      return who.isPerson ? "allowed" : "unauthorized";
    case "own channel":
      return who.isPerson ? "not_found" : "unauthorized";
    case "window":
      return lacks("operator") ?? "not_found";
  }
}

interface Answer {
  readonly verdict: Verdict;
  readonly status: number;
  readonly text: string;
  readonly headers: string;
}

/** Asks, and says what came of it: whatever is no refusal of the right is allowed, a body that does not fit among it. */
async function ask(url: string, method: string, who: Who, body: object = {}): Promise<Answer> {
  const hasBody = ["POST", "PUT", "PATCH"].includes(method);
  const answer = await fetch(url, {
    method,
    redirect: "manual",
    headers: { ...who.headers, ...(hasBody && { "content-type": "application/json" }) },
    ...(hasBody && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const refusals = ["unauthorized", "not_permitted", "unknown_device", "not_found", "cross_origin"];
  const code = /"code":"([a-z_]+)"/.exec(answer.status >= 400 ? text : "")?.[1] ?? "";
  const verdict = refusals.includes(code) ? (code as Verdict) : "allowed";
  // An ETag is made of the answer, in which the device's id may stand.
  const headers = [...answer.headers].filter(([name]) => !["date", "etag", "retry-after"].includes(name)).join("\n");
  return { verdict, status: answer.status, text, headers };
}

async function documented(server: TestServer): Promise<string[]> {
  const document = (await (await fetch(`${server.url}${paths.api}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.slice(paths.api.length)}`),
  );
}

/** Administrators may: what exists would be deleted, so they are asked about what does not. */
function devicesFor(route: string, right: Right, who: Who): string[] {
  const isAbout = route.includes("{id}") || route.includes("{alarm}") || table[route]?.query?.includes("ID") === true;
  if (!isAbout || route.includes("/backups/") || route.includes("/waiting/")) return [ids.own];
  const isHarmless = right !== "admin" || who.role !== "admin";
  return isHarmless ? Object.values(ids) : [ids.unknown];
}

test.each(["people", "public"] as const)(
  "every route gives everybody what the table says, and no more (access.dashboards = %s)",
  { timeout: 900_000 },
  async (dashboards) => {
    const scene = await open(dashboards);
    const { server, everybody, fleetId, isPublic } = scene;
    expect((await documented(server)).sort()).toEqual(Object.keys(table).sort());
    const wrong: string[] = [];
    let cells = 0;
    for (const [route, { right, query, body }] of Object.entries(table)) {
      const [method = "", path = ""] = route.split(" ");
      for (const who of everybody) {
        const answers = new Map<string, Answer>();
        for (const deviceId of devicesFor(route, right, who)) {
          const share = path.includes("{share}") ? scene.shareId(deviceId) : "";
          const asked = path
            .replace("{id}", path.startsWith("/backups") || path.includes("/waiting/") ? "none" : deviceId)
            .replace("{command}", "cmd_1")
            .replace("{fleet}", fleetId)
            .replace("{alarm}", scene.alarmId(deviceId))
            .replace("{rule}", "none")
            .replace("{name}", "nobody")
            .replace("{strike}", "1")
            .replace("{channel}", "chn_1")
            .replace("{message}", "msg_1")
            .replace("{window}", "mnt_1")
            .replace("{share}", share);
          const search = query === undefined ? "" : `?${query.replace("ID", deviceId)}`;
          const answer = await ask(`${server.url}${paths.api}${asked}${search}`, method, who, body);
          answers.set(deviceId, answer);
          cells++;
          const cell = `${route} by ${who.name} about ${deviceId}`;
          const isForeignPage = who.headers["sec-fetch-site"] !== undefined && method !== "GET";
          const device = right === "admin" && !route.includes("/devices/{id}") ? ids.own : deviceId;
          const due = isForeignPage ? "cross_origin" : expected(right, who, device, scene);
          // Of what is there by another name than the device's, it is known only to who may that it is not there.
          const isNone = answer.verdict === "not_found" && ["admin", "open"].includes(right) && due === "allowed";
          if (answer.verdict !== due && !isNone)
            wrong.push(`${cell}: ${answer.verdict}, due is ${due}; ${answer.text}`);
          if (answer.status >= 500 && answer.status !== 503) wrong.push(`${cell}: ${answer.status}`);
          // What stands in the answer.
          const seesForeign = who.devices === null || isPublic;
          if (!seesForeign && due !== "cross_origin") {
            const told = secrets.filter((secret) => answer.text.includes(secret));
            const isForeignNamed = answer.text.includes(ids.foreign) && !`${asked}${search}`.includes(ids.foreign);
            if (told.length > 0 || isForeignNamed) wrong.push(`${cell} tells of the foreign device: ${answer.text}`);
          }
          if (who.isNamed !== true && /\broot\b|acct_|person |token (?:admin|operator)/.test(answer.text)) {
            if (!["/points", "/me/password"].includes(path)) wrong.push(`${cell} tells names: ${answer.text}`);
          }
        }
        const [foreign, unknown] = [answers.get(ids.foreign), answers.get(ids.unknown)];
        const isForeign = who.devices !== null && !isPublic && foreign !== undefined && unknown !== undefined;
        if (isForeign && JSON.stringify(foreign).replaceAll(ids.foreign, ids.unknown) !== JSON.stringify(unknown)) {
          wrong.push(`${route} by ${who.name}: foreign and unknown differ: ${JSON.stringify([foreign, unknown])}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(cells).toBeGreaterThan(2_000);
  },
);

test.each(["people", "public"] as const)(
  "so do the WebSocket doors, and what is not in the document (access.dashboards = %s)",
  { timeout: 300_000 },
  async (dashboards) => {
    const scene = await open(dashboards);
    const { server, everybody } = scene;
    const wrong: string[] = [];
    for (const who of everybody) {
      for (const [path, right] of Object.entries(others)) {
        const { verdict } = await ask(server.url + path, "GET", who);
        const due = expected(right, who, ids.own, scene);
        if (verdict !== due) wrong.push(`${path} by ${who.name}: ${verdict}, due is ${due}`);
      }
      for (const [path, right] of Object.entries(doors)) {
        const statuses = new Map<string, number>();
        for (const deviceId of path.includes("ID") ? Object.values(ids) : [ids.own]) {
          const answer = await tryOpenSocket(server.wsUrl + path.replace("ID", deviceId), { headers: who.headers });
          const status = "status" in answer ? answer.status : 101;
          if (!("status" in answer)) answer.webSocket.terminate();
          statuses.set(deviceId, status);
          const verdict = right === "own token" ? null : expected(right, who, deviceId, scene);
          const due =
            verdict === null
              ? who.deviceToken === deviceId
                ? 101
                : 403
              : verdict === "allowed"
                ? 101
                : verdict === "unauthorized"
                  ? 403
                  : 404;
          if (status !== due) wrong.push(`${path} by ${who.name} about ${deviceId}: ${status}, due is ${due}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  },
);
