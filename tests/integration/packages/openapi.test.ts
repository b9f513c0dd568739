import { Validator } from "@seriousme/openapi-schema-validator";
import { paths, refusals } from "@wattboard/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { BrowserLike } from "../../support/people.ts";
import { startHookServer } from "../../support/receivers.ts";
import { runJson, type ServeProcess, startServe, untilFileEnds } from "../../support/run-cli.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

interface Operation {
  readonly summary?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const until = untilFileEnds();
let server: ServeProcess;
let document: Document;
let token: string;

beforeAll(async () => {
  server = await startServe({ until, args: ["--notify-private-networks=127.0.0.0/8"] });
  const added = await runJson<{ token: string }>(
    ["api-token", "add", "admin", "--role", "admin", "--data-dir", server.dataDir],
    { until },
  );
  token = added.token;
  document = (await (await fetch(`${server.url}${paths.api}/openapi.json`)).json()) as Document;
});

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...structuredClone(document) });
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

test("every operation says what it does, who may, what it takes, and how it fails", () => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  expect(operations.length).toBeGreaterThan(45);
  for (const { name, operation } of operations) {
    expect([name, typeof operation.summary]).toEqual([name, "string"]);
    expect([name, operation.security?.length ?? 0]).not.toEqual([name, 0]);
    for (const parameter of operation.parameters ?? []) {
      expect([name, parameter.name, parameter.description ?? ""]).not.toEqual([name, parameter.name, ""]);
    }
    for (const status of ["400", "401", "403", "500", "503"]) {
      expect([name, Object.keys(operation.responses[status]?.content ?? {})]).toEqual([
        name,
        ["application/problem+json"],
      ]);
    }
  }
  expect(document.components.schemas.DeviceDetail).toBeDefined();
});

/** Operations that `ask` has held against the document. */
const asked = new Set<string>();

type Ask = (method: string, path: string, template: string, body?: object, bodyType?: string) => Promise<unknown>;

/** Asks as an administrator's token. */
const ask: Ask = (...asking) => askAs({ authorization: `Bearer ${token}` }, ...asking);

/** Asks, and holds the answer against what the document says of it. */
async function askAs(
  who: Readonly<Record<string, string>>,
  ...[method, path, template, body, bodyType = "application/json"]: Parameters<Ask>
): Promise<unknown> {
  const response = await fetch(`${server.url}${paths.api}${path}`, {
    method: method.toUpperCase(),
    headers: { ...who, ...(body !== undefined && { "content-type": bodyType }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  asked.add(`${method} ${template}`);
  const operation = document.paths[`${paths.api}${template}`]?.[method];
  const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
  const schema = operation?.responses[response.status]?.content?.[type]?.schema;
  expect([method, path, response.status, schema === undefined ? "is not in the document" : ""]).toEqual([
    method,
    path,
    response.status,
    "",
  ]);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const judge = ajv.compile({ ...schema, components: document.components });
  expect([method, path, judge(answer), judge.errors]).toEqual([method, path, true, null]);
  return answer;
}

/** Asks for a file, and holds its type against what the document says of it. */
async function askFile(method: string, path: string, template: string, body?: object): Promise<string> {
  const file = await fetch(`${server.url}${paths.api}${path}`, {
    method: method.toUpperCase(),
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  asked.add(`${method} ${template}`);
  const described = document.paths[`${paths.api}${template}`]?.[method]?.responses[file.status]?.content ?? {};
  expect(Object.keys(described)).toContain((file.headers.get("content-type") ?? "").split(";")[0]);
  return await file.text();
}

test("real answers fit what the document says of them, good ones and errors", async () => {
  const added = (await ask("post", "/devices", "/devices", {
    device_id: "ems_001",
    properties: { time_zone: "Europe/Vienna" },
  })) as { token: string };
  await ask("get", "/devices/ems_001", "/devices/{id}");
  await ask("get", "/devices/ems_001/lines", "/devices/{id}/lines");
  await ask("get", "/devices/nobody/lines", "/devices/{id}/lines");
  await ask("get", "/devices/ems_001/latest", "/devices/{id}/latest");
  const device = await openDevice(server.wsUrl, "ems_001", added.token);
  device.send(sampleOf("ems_001", { heat_pump: { flow_temperature: 38.5 } }));
  device.send(sampleOf("ems_001", { device_id: "another" }));
  await eventually(async () => {
    const page = await ask("get", "/devices/ems_001/samples", "/devices/{id}/samples");
    expect((page as { samples: [] }).samples).toHaveLength(1);
  });
  await ask("get", "/devices", "/devices");
  await ask("get", "/devices/ems_001", "/devices/{id}");
  for (const part of ["latest", "points", "history", "timeline", "energy"]) {
    await ask("get", `/devices/ems_001/${part}`, `/devices/{id}/${part}`);
    await ask("get", `/devices/nobody/${part}`, `/devices/{id}/${part}`);
  }
  await ask("get", "/devices/ems_001/history?buckets=0", "/devices/{id}/history");
  for (const path of ["/fleet/totals", "/fleet/energy", "/events", "/points", "/api-tokens"])
    await ask("get", path, path);
  await ask("get", "/fleet/totals?devices=nobody", "/fleet/totals");
  await ask("post", "/devices", "/devices", { device_id: "ems_001" });
  await ask("post", "/devices", "/devices", { device_id: 1 });
  await ask("patch", "/devices/ems_001", "/devices/{id}", { name: "Cellar", properties: { country: "AT" } });
  await ask("get", "/smart-os/waiting", "/smart-os/waiting");
  await ask("post", "/smart-os/waiting/0001/accept", "/smart-os/waiting/{id}/accept");
  await ask("delete", "/smart-os/waiting/0001", "/smart-os/waiting/{id}");
  await ask("post", "/devices/ems_001/rotate", "/devices/{id}/rotate", {});
  const labelled = { device_ids: ["ems_001", "nobody"] };
  const made = (await ask("post", "/claim-codes", "/claim-codes", labelled)) as {
    claim_codes: { device_id: string; code: string }[];
  };
  await ask("post", "/claim-labels", "/claim-labels", labelled);
  await ask("get", "/devices/ems_001/claim", "/devices/{id}/claim");
  const { device_id, code } = made.claim_codes[0] as { device_id: string; code: string };
  await ask("post", "/claims/inspect", "/claims/inspect", { device_id, code });
  await ask("post", "/claims/inspect", "/claims/inspect", { device_id, code: "another" });
  const account = { name: "claimant", password: "claimant's long password" };
  await ask("post", "/claims", "/claims", { device_id, code, account });
  await ask("post", "/claims", "/claims", { device_id, code, account });
  await ask("delete", "/devices/ems_001/claim", "/devices/{id}/claim");
  await ask("get", "/token-rotations", "/token-rotations");
  const many = { devices: [{ device_id: "ems_001" }, { device_id: "ems_003" }] };
  await ask("post", "/bulk/devices", "/bulk/devices", many);
  await ask("post", "/bulk/rotations", "/bulk/rotations", many);
  await ask("post", "/devices/ems_001/revoke", "/devices/{id}/revoke");
  await ask("delete", "/devices/ems_001", "/devices/{id}");
  await ask("post", "/api-tokens", "/api-tokens", { name: "wallboard", role: "viewer", ttl_ms: 60_000 });
  await ask("delete", "/api-tokens/wallboard", "/api-tokens/{name}");
  await ask("delete", "/api-tokens/wallboard", "/api-tokens/{name}");
});

test("real answers about people, sharing, the audit and commands fit the document", async () => {
  const { token: deviceToken } = (await ask("post", "/devices", "/devices", { device_id: "ems_002" })) as {
    token: string;
  };
  await ask("get", "/me", "/me");
  await ask("get", "/first-steps", "/first-steps");
  const rights = { role: "operator", devices: ["ems_002"] };
  await ask("post", "/people", "/people", { name: "ann", ...rights });
  await ask("post", "/people", "/people", { name: "ann", ...rights });
  await ask("post", "/people", "/people", { name: "ann", role: "king", devices: null });
  await ask("get", "/people", "/people");
  await ask("patch", "/people/ann", "/people/{name}", { email: "ann@example.org" });
  await ask("put", "/people/ann/password", "/people/{name}/password", { password: "ann's long password" });
  await ask("put", "/people/ann/password", "/people/{name}/password", { password: "short" });
  const { path } = (await ask("post", "/people/ann/link", "/people/{name}/link")) as { path: string };
  const secret = path.slice(path.indexOf("#") + 1);
  await ask("post", "/one-time-links/inspect", "/one-time-links/inspect", { token: secret });
  await ask("post", "/one-time-links/redeem", "/one-time-links/redeem", {
    token: secret,
    password: "ann's next password",
  });
  await ask("post", "/one-time-links/inspect", "/one-time-links/inspect", { token: secret });
  await ask("post", "/setup-link", "/setup-link");
  await ask("post", "/session", "/session", { account: "ann", password: "ann's next password" });
  await ask("post", "/session", "/session", { account: "ann", password: "a wrong password" });
  await ask("delete", "/session", "/session");
  await ask("post", "/me/password", "/me/password", { present: "x", password: "y" });
  await ask("get", "/people/ann/outstanding", "/people/{name}/outstanding");
  await ask("delete", "/people/ann", "/people/{name}");
  await ask("delete", "/people/ann", "/people/{name}");
  await ask("get", "/people/ann/outstanding", "/people/{name}/outstanding");

  await ask("post", "/tickets", "/tickets", { device_id: "ems_002" });
  await ask("post", "/tickets", "/tickets", { device_id: "nobody" });
  const shared = (await ask("post", "/devices/ems_002/share-links", "/devices/{id}/share-links", {
    label: "the neighbour",
    ttl_ms: 3_600_000,
  })) as { path: string; share_link: { share_id: string } };
  await ask("get", "/devices/ems_002/share-links", "/devices/{id}/share-links");
  await ask("get", "/share-links", "/share-links");
  await ask("get", "/share-links?cursor=x", "/share-links");
  const shareSecret = shared.path.slice(shared.path.indexOf("#") + 1);
  await ask("post", "/share-session", "/share-session", { token: shareSecret });
  const shareId = shared.share_link.share_id;
  const oneShare = `/devices/ems_002/share-links/${shareId}`;
  await ask("delete", oneShare, "/devices/{id}/share-links/{share}");
  await ask("delete", oneShare, "/devices/{id}/share-links/{share}");

  const struck = { from: "2026-01-31T12:00:00Z", to: "2026-01-31T12:01:00Z" };
  const strikes = "/devices/{id}/strikes";
  const { strike } = (await ask("post", "/devices/ems_002/strikes", strikes, struck)) as { strike: number };
  await ask("post", "/devices/ems_002/strikes", strikes, { from: "soon", to: "later" });
  await ask("get", "/devices/ems_002/strikes", strikes);
  await ask("delete", `/devices/ems_002/strikes/${strike}`, `${strikes}/{strike}`);
  await ask("delete", `/devices/ems_002/strikes/${strike}`, `${strikes}/{strike}`);

  const device = await openDevice(server.wsUrl, "ems_002", deviceToken);
  device.send(sampleOf("ems_002"));
  const commands = "/devices/{id}/commands";
  const order = { action: "SET_MODE", payload: { target_mode: "MANUAL_IDLE" }, command_id: "cmd_1" };
  await ask("post", "/devices/ems_002/commands", commands, order);
  await ask("post", "/devices/ems_002/commands", commands, { ...order, payload: { target_mode: "AUTO" } });
  await ask("post", "/devices/ems_002/commands", commands, { ...order, action: "DANCE" });
  await ask("post", "/devices/nobody/commands", commands, order);
  await ask("get", "/devices/ems_002/commands", commands);
  await ask("get", "/devices/ems_002/commands?limit=0", commands);
  await ask("get", "/devices/ems_002/commands/cmd_1", `${commands}/{command}`);
  await ask("get", "/devices/ems_002/commands/cmd_2", `${commands}/{command}`);
  const many = { action: "RESET_ERROR", payload: {}, where: ["battery.soc > 1"] };
  await ask("post", "/fleet-commands", "/fleet-commands", { ...many, dry_run: true });
  await ask("post", "/fleet-commands", "/fleet-commands", { ...many, where: ["?"] });
  const begun = (await ask("post", "/fleet-commands", "/fleet-commands", many)) as { fleet_command_id: string };
  await ask("get", "/fleet-commands", "/fleet-commands");
  const oneFleet = `/fleet-commands/${begun.fleet_command_id}`;
  await ask("get", oneFleet, "/fleet-commands/{fleet}");
  await ask("get", `${oneFleet}/devices`, "/fleet-commands/{fleet}/devices");
  await ask("post", `${oneFleet}/abort`, "/fleet-commands/{fleet}/abort");
  await ask("post", `${oneFleet}/abort`, "/fleet-commands/{fleet}/abort");

  await ask("get", "/audit?limit=2", "/audit");
  await ask("get", "/audit?from=soon", "/audit");
  await ask("get", "/audit/verify", "/audit/verify");
  await askFile("get", "/audit/export", "/audit/export");
});

test("real answers about exports, imports, backups and the store fit the document", async () => {
  await ask("post", "/devices", "/devices", { device_id: "ems_003" });
  await ask("post", "/import", "/import", { device_id: "ems_003" });
  const line = { device_id: "ems_003", observed_at: "2026-01-31T12:00:00Z", points: { "battery.soc": 85 } };
  await ask("post", "/import", "/import", line, "application/x-ndjson");
  await ask("post", "/import", "/import", { ...line, device_id: "nobody" }, "application/x-ndjson");
  await ask("post", "/import/csv", "/import/csv", line);
  await ask("post", "/import/csv?device=nobody", "/import/csv", line, "text/csv");
  await ask("get", "/store", "/store");
  await ask("get", "/store/renewal", "/store/renewal");
  for (const format of ["csv", "parquet"]) await askFile("get", `/export?all=true&format=${format}`, "/export");
  await ask("get", "/export?device=nobody", "/export");
  await ask("get", "/export?all=false", "/export");
  await askFile("get", "/store/verify", "/store/verify");
  await askFile("post", "/store/repair", "/store/repair");
  const lines = (await askFile("post", "/backups", "/backups")).trimEnd().split("\n");
  const { backup_id: id } = JSON.parse(lines.at(-1) ?? "") as { backup_id: string };
  await ask("post", "/backups", "/backups");
  await ask("get", "/backups", "/backups");
  await askFile("post", `/backups/${id}/verify`, "/backups/{id}/verify");
  await askFile("get", `/backups/${id}/tar`, "/backups/{id}/tar");
  await ask("get", "/backups/other/tar", "/backups/{id}/tar");
  await ask("get", "/exports", "/exports");
  await ask("get", "/server", "/server");
  await askFile("get", `/backups/${id}/access.db`, "/backups/{id}/{name}");
  await ask("get", `/backups/${id}/other.db`, "/backups/{id}/{name}");
  await ask("delete", `/backups/${id}`, "/backups/{id}");
  await ask("delete", `/backups/${id}`, "/backups/{id}");
});

test("real answers about alarms and their rules fit the document", async () => {
  const one = "/alarm-rules/{rule}";
  const rule = { name: "Nearly empty", when: ["battery.soc < 90"], for_s: 0 };
  const { rule_id: ruleId } = (await ask("post", "/alarm-rules", "/alarm-rules", rule)) as { rule_id: string };
  await ask("post", "/alarm-rules", "/alarm-rules", { ...rule, when: ["?"] });
  await ask("get", "/alarm-rules", "/alarm-rules");
  await ask("patch", `/alarm-rules/${ruleId}`, one, { severity: "critical" });
  await ask("patch", "/alarm-rules/nothing", one, { severity: "critical" });
  await askFile("post", "/alarm-rules/try", "/alarm-rules/try", rule);
  await ask("post", "/alarm-rules/try?from=soon", "/alarm-rules/try", rule);

  const { token: deviceToken } = (await ask("post", "/devices", "/devices", { device_id: "ems_004" })) as {
    token: string;
  };
  const device = await openDevice(server.wsUrl, "ems_004", deviceToken);
  const alarmId = await eventually(async () => {
    device.send(sampleOf("ems_004", { timestamp: new Date().toISOString() }));
    const { alarms } = (await ask("get", `/alarms?rule_id=${ruleId}`, "/alarms")) as {
      alarms: { alarm_id: string; device_count: number }[];
    };
    expect(alarms).toMatchObject([{ device_count: 1 }]);
    return alarms[0]?.alarm_id;
  });
  await ask("get", "/alarms?from=soon", "/alarms");
  await ask("get", `/alarms/${alarmId}`, "/alarms/{alarm}");
  await ask("get", "/alarms/nothing", "/alarms/{alarm}");
  await ask("get", `/alarms/${alarmId}/devices`, "/alarms/{alarm}/devices");
  await ask("get", `/alarms/${alarmId}/devices?cursor=x`, "/alarms/{alarm}/devices");
  const [acknowledge, snooze] = ["/alarms/{alarm}/acknowledge", "/alarms/{alarm}/snooze"];
  await ask("post", `/alarms/${alarmId}/acknowledge`, acknowledge, { note: "on my way" });
  const until = new Date(Date.now() + 3_600_000).toISOString();
  expect(await ask("post", `/alarms/${alarmId}/snooze`, snooze, { until })).toMatchObject({ state: "snoozed" });
  expect(await ask("post", `/alarms/${alarmId}/snooze`, snooze, { until: "soon" })).toMatchObject({
    code: "invalid_request",
    detail: expect.stringContaining("until is an RFC 3339 time, e.g. 2026-01-31T12:00:00Z"),
  });
  await ask("delete", `/alarm-rules/${ruleId}`, one);
  await ask("delete", "/alarm-rules/no_data", one);
  await ask("post", `/alarms/${alarmId}/snooze`, snooze, { until });
  await ask("get", "/alarms?state=cleared", "/alarms");
});

test("real answers about channels, notifications and maintenance fit the document", async () => {
  const { link } = (await ask("post", "/people", "/people", { name: "root", role: "admin", devices: null })) as {
    link: { path: string };
  };
  const browser = new BrowserLike(server.url);
  await browser.redeem(link.path, { password: "root's long password" });
  const askAsRoot: Ask = (...asking) => askAs(browser.handshake, ...asking);
  const hook = await startHookServer();

  await ask("get", "/me/channels", "/me/channels");
  const webhook = { kind: "webhook", url: hook.url };
  const made = (await askAsRoot("post", "/me/channels", "/me/channels", webhook)) as {
    channel: { channel_id: string };
  };
  await askAsRoot("post", "/me/channels", "/me/channels", { kind: "email", address: "root@example.org" });
  await askAsRoot("get", "/me/channels", "/me/channels");
  const { channel_id: channelId } = made.channel;
  const [path, template] = [`/me/channels/${channelId}`, "/me/channels/{channel}"];
  await askAsRoot("patch", path, template, { severities: ["critical"] });
  await askAsRoot("patch", path, template, { where: ["?"] });
  await askAsRoot("post", `${path}/verification`, `${template}/verification`);
  await askAsRoot("post", `${path}/verify`, `${template}/verify`, { code: "x" });
  await askAsRoot("post", `${path}/rotate-secret`, `${template}/rotate-secret`);
  await askAsRoot("post", `${path}/test`, `${template}/test`);
  await eventually(() => expect(hook.hooked).toHaveLength(1));
  const seen = "/me/notifications/{message}/seen";
  const messageId = hook.hooked[0]?.headers["webhook-id"];
  expect(await askAsRoot("post", `/me/notifications/${messageId}/seen`, seen)).toMatchObject({ channel: "Webhook" });
  await askAsRoot("post", "/me/notifications/nothing/seen", seen);
  await askAsRoot("get", "/me/notification-preferences", "/me/notification-preferences");
  const preferences = { time_zone: "Europe/Vienna", quiet_hours: null };
  await askAsRoot("patch", "/me/notification-preferences", "/me/notification-preferences", preferences);
  await askAsRoot("patch", "/me/notification-preferences", "/me/notification-preferences", { time_zone: "Mars" });
  await askAsRoot("get", "/me/notifications", "/me/notifications");
  await askAsRoot("get", "/me/notifications?cursor=x", "/me/notifications");

  for (const part of ["notifications", "channels"]) {
    await ask("get", `/people/root/${part}`, `/people/{name}/${part}`);
    await ask("get", `/people/nobody/${part}`, `/people/{name}/${part}`);
  }
  const test = "/people/{name}/channels/{channel}/test";
  await ask("post", `/people/root/channels/${channelId}/test`, test);
  await ask("post", "/people/root/channels/nothing/test", test);
  await ask("get", "/notifications", "/notifications");
  await ask("get", "/notifications/failing", "/notifications/failing");
  const step = { after_minutes: 10, severities: ["critical"], person: "root" };
  await ask("put", "/escalation", "/escalation", { steps: [step] });
  await ask("put", "/escalation", "/escalation", { steps: [{ ...step, person: "nobody" }] });
  await ask("get", "/escalation", "/escalation");
  await askAsRoot("delete", path, template);
  await askAsRoot("delete", path, template);

  const windows = "/maintenance-windows";
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const begun = (await ask("post", windows, windows, { where: ["battery.soc > 1"], until })) as { window_id: string };
  for (const wrong of [{ until: "soon" }, { from: "now", until }]) {
    expect(await ask("post", windows, windows, { where: ["battery.soc > 1"], ...wrong })).toMatchObject({
      detail: expect.stringContaining("from and until are RFC 3339 times"),
    });
  }
  await ask("get", windows, windows);
  await ask("get", `${windows}?device_id=nobody`, windows);
  await ask("post", `${windows}/${begun.window_id}/end`, `${windows}/{window}/end`);
  await ask("post", `${windows}/${begun.window_id}/end`, `${windows}/{window}/end`);
});

test("what judges requests knows everything that their schemas say", () => {
  expect(server.process.stderr).not.toContain("unknown format");
});

test("every operation of the document was held against real answers", () => {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path.replace(paths.api, "")}`),
  );
  expect(all.filter((each) => !asked.has(each))).toEqual([]);
});

test("a history of many samples, in buckets, fits the document too", async () => {
  const many = await startServer();
  many.addDevice("ems_001");
  const fromMs = Date.UTC(2025, 5, 1);
  const samples = Array.from({ length: 500 }, (_, at) => sampleAt(fromMs + at * 1_000, at, { grid: { power: at } }));
  await many.store.append([batchOf(samples)]);
  const query = "from=2025-06-01T00:00:00Z&to=2025-06-01T00:10:00Z&buckets=60";
  const answer: unknown = await (await fetch(`${many.url}${paths.api}/devices/ems_001/history?${query}`)).json();
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const judge = ajv.compile({ $ref: "#/components/schemas/History", components: document.components });
  expect([judge(answer), judge.errors]).toEqual([true, null]);
  expect(answer).toMatchObject({ resolution: "buckets", bucket_ms: 10_000 });
  expect(judge({ ...(answer as object), at: "now" })).toBe(false);
});

test("the table of refusals is in the document: programs can go by the codes", () => {
  const codes = (document.components.schemas.Problem as { properties: { code: { enum: string[] } } }).properties.code
    .enum;
  expect(codes).toEqual(Object.keys(refusals));
});
