import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { IssuedLinkBody, PersonBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { BrowserLike } from "../../support/people.ts";
import { makeFolder, runCli, runJson, startServe } from "../../support/run-cli.ts";

describe.each([
  ["through a running server", true],
  ["in the data folder of one that does not run", false],
])("wattboard user, %s", (_, isRunning) => {
  test("adds people, changes their rights, and removes them", async () => {
    const dataDir = isRunning ? (await startServe()).dataDir : makeFolder();
    const at = ["--data-dir", dataDir];
    const add = ["user", "add", "--create-folder", "Ann", "--role", "operator", "--devices", "ems_001,ems_002", ...at];
    const added = await runJson<{ person: PersonBody; link: IssuedLinkBody }>(add);
    expect(added.person).toMatchObject({
      name: "ann",
      role: "operator",
      devices: ["ems_001", "ems_002"],
      active: false,
    });
    expect(added.link.path).toMatch(/^\/welcome#wb_/);
    const everything = ["user", "add", "--create-folder", "Bob", "--role", "admin", "--devices", "all", ...at];
    expect((await runJson<{ person: PersonBody }>(everything)).person).toMatchObject({ name: "bob", devices: null });
    expect((await runCli(add)).stderr).toContain("somebody with this name");
    expect(await runJson(["user", "role", "ann", "viewer", ...at])).toMatchObject({ role: "viewer" });
    expect(await runJson(["user", "devices", "ann", "all", ...at])).toMatchObject({ devices: null });
    expect(await runJson(["user", "devices", "ann", "none", ...at])).toMatchObject({ devices: [] });
    const file = join(makeFolder(), "password");
    writeFileSync(file, "ann's long password\n");
    expect(await runJson(["user", "password", "ann", "--password-file", file, ...at])).toMatchObject({ active: true });
    expect((await runCli(["user", "list", ...at])).stdout).toMatch(/ann\s+viewer\s+no devices\s+no\s+chosen/);
    // Nothing is left of hers: a script need not say that it means it.
    expect((await runCli(["user", "remove", "ann", ...at])).stdout).toContain("ann is removed");
    expect(await runJson(["share", "list", ...at])).toEqual([]);
    const gone = await runCli(["user", "password", "ann", ...at]);
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("no such")]);
    const token = [
      "api-token",
      "add",
      "--create-folder",
      "t",
      "--role",
      "viewer",
      "--devices",
      "ems_001",
      "--expires",
      "30d",
      ...at,
    ];
    expect(Object.keys(await runJson<object>(token))).toEqual(["name", "token"]);

    expect(
      await runJson(["api-token", "add", "--create-folder", "u", "--role", "viewer", "--devices", "all", ...at]),
    ).toHaveProperty("token");

    expect(await runJson(["audit", "verify", ...at])).toMatchObject({ whole: true, fault: null });
    const { stdout } = await runCli(["audit", "export", "--format", "ndjson", "--who", "local", ...at]);
    const actions = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { action: string }).action);
    expect(actions).toEqual(
      expect.arrayContaining(["person.add", "person.change", "person.password", "person.remove", "api_token.add"]),
    );
  });
});

test("the first start prints a link on standard error, and `user setup-link` makes a new one that voids it", async () => {
  const server = await startServe({ args: ["--access-dashboards=people"] });
  const first = await eventually(() => {
    const [link] = /http\S+\/welcome#\S+/.exec(server.process.stderr) ?? [];
    if (link === undefined) throw new Error("no link yet");
    return link;
  });
  expect(first).toContain(server.url);
  expect(server.process.stdout).not.toContain("/welcome#");
  const { stdout } = await runCli(["user", "setup-link", "--data-dir", server.dataDir]);
  const [, second = ""] = /(http\S+\/welcome#\S+)/.exec(stdout) ?? [];
  const browser = new BrowserLike(server.url);
  const inspect = (link: string) => browser.ask("POST", "/one-time-links/inspect", { token: link.split("#")[1] ?? "" });
  expect((await inspect(first)).status).toBe(404);
  expect((await inspect(second)).status).toBe(200);
});

test("an audit that was changed is told as broken, with exit code 1", async () => {
  const dataDir = makeFolder();
  const at = ["--data-dir", dataDir];
  for (const id of ["a", "b", "c"]) await runJson(["device", "add", "--create-folder", id, ...at]);
  const database = new DatabaseSync(join(dataDir, "audit.db"));
  database.exec("DROP TRIGGER audit_is_append_only; UPDATE audit SET device_id = 'x' WHERE seq = 2");
  database.close();
  const { code, stderr } = await runCli(["audit", "verify", ...at]);
  expect([code, stderr]).toEqual([1, "The audit is broken: row 2 was changed, or a row before it.\n"]);
  expect((await runCli(["audit", "verify", "--json", ...at])).stdout).toContain('"whole":false');
});

test("`user remove` lists what ends with somebody, does it with --yes, and says so; `share` lists and revokes links", {
  timeout: 60_000,
}, async () => {
  const server = await startServe({ args: ["--access-dashboards=people"] });
  const at = ["--data-dir", server.dataDir];
  await server.addDevice("ems_001");
  const { link } = await runJson<{ link: IssuedLinkBody }>([
    ...["user", "add", "--create-folder", "ann", "--role", "operator", "--devices", "all", ...at],
  ]);
  const ann = new BrowserLike(server.url);
  await ann.redeem(link.path, { password: "ann's long password" });
  const label = { label: "Installer", ttl_ms: 3_600_000 };
  for (const each of ["first", "second"])
    await ann.json("POST", "/devices/ems_001/share-links", { ...label, label: each });
  await ann.json("POST", "/devices/ems_001/commands", { action: "RESET_ERROR", payload: {}, command_id: "cmd_1" });

  const [listed] = await runJson<{ share_id: string; created_by: string }[]>(["share", "list", ...at]);
  expect(listed).toMatchObject({ created_by: "ann", device_id: "ems_001" });
  expect((await runCli(["share", "revoke", listed?.share_id ?? "", ...at])).stdout).toContain("is revoked");
  expect((await runCli(["share", "revoke", "nothing", ...at])).code).toBe(1);

  const refused = await runCli(["user", "remove", "ann", ...at]);
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringMatching(/share link to ems_001[\s\S]*cmd_1[\s\S]*--yes/),
  ]);
  const removed = await runCli(["user", "remove", "ann", "--yes", ...at]);
  expect([removed.code, removed.stdout]).toEqual([
    0,
    expect.stringMatching(/ann is removed[\s\S]*Ended with that:[\s\S]*share link[\s\S]*command cmd_1 to ems_001/),
  ]);
  expect(await runJson(["share", "list", ...at])).toEqual([]);
});
