import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { version } from "../../../packages/server/dist/base/version.js";
import {
  CliProcess,
  makeFolder,
  runCli,
  runCliHere,
  runJson,
  startServe,
  untilFileEnds,
  wattboardBin,
} from "../../support/run-cli.ts";

describe("help and usage", () => {
  const commands = [
    "",
    "serve",
    "demo",
    "simulate",
    "simulate solmate",
    "device",
    "device add",
    "device list",
    "device set",
    "device waiting",
    "device accept",
    "device rotate",
    "device revoke",
    "device remove",
    "api-token",
    "api-token add",
    "api-token list",
    "api-token remove",
    "user",
    "user add",
    "user list",
    "user role",
    "user devices",
    "user password",
    "user remove",
    "user setup-link",
    "audit",
    "audit verify",
    "audit export",
  ];

  test("every command explains itself with --help: how it is used, what it does, and an example", async () => {
    for (const command of commands) {
      const words = command.split(" ").filter((word) => word !== "");
      const { code, stdout, stderr } = await runCliHere([...words, "--help"]);
      expect([command, code, stderr]).toEqual([command, 0, ""]);
      expect(stdout).toContain(["Usage: wattboard", ...words].join(" "));
      expect(stdout, command).toMatch(/Examples:\n(.*\n)?.*wattboard/);
    }
  });

  test.each([
    ["no command at all", [], "Usage: wattboard"],
    ["an unknown command", ["serv"], "unknown command 'serv'"],
    ["an unknown command of a group", ["device", "delete", "a"], "unknown command 'delete'"],
    ["an unknown flag", ["serve", "--prot", "80"], "unknown option '--prot'"],
    ["a missing argument", ["device", "add"], "missing required argument 'id'"],
    ["an argument too many", ["device", "add", "a", "b"], "too many arguments"],
    ["a flag without its value", ["serve", "--port"], "argument missing"],
    ["an unknown role", ["api-token", "add", "a", "--role", "root"], "viewer, operator, admin"],
    ["a role left out", ["api-token", "add", "a"], "--role"],
    ["devices left unsaid", ["user", "add", "ann", "--role", "viewer"], "--devices"],
    ["a role that is none", ["user", "role", "ann", "boss"], "viewer, operator, admin"],
    ["a time that cannot be read", ["api-token", "add", "a", "--role", "viewer", "--expires", "soon"], "30d"],
    ["a number that is none", ["simulate", "--devices", "many"], "whole number"],
    ["more SolMates than serial numbers", ["simulate", "solmate", "--devices", "10000"], "at most 9999"],
    ["a behaviour that is none", ["simulate", "solmate", "--behaviour", "cosine"], "random, linear, sine"],
    ["a sleep too short for the server", ["simulate", "solmate", "--sleep-min", "0"], "at least 0.02"],
    ["an address that is none", ["simulate", "solmate", "--yes", "--url", "board"], "not an address such as"],
    ["sleeps the wrong way round", ["simulate", "solmate", "-y", "--sleep-min=2", "--sleep-max=1"], "2 to 1 s"],
    ["serial numbers with five digits", ["simulate", "solmate", "-y", "--first-serial=9999"], "four digits"],
    ["nothing to ask in", ["simulate", "solmate", "--max=9", "--devices=1"], "--behaviour, --sleep-min, --sleep-max"],
    ["a property without a value", ["device", "add", "a", "--property", "country"], "country=SE"],
  ])("%s is wrong usage: exit code 2, and what is wrong on standard error", async (_what, args, message) => {
    const cwd = makeFolder();
    const { code, stdout, stderr } = await runCliHere(args, { cwd });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("who reads only the beginning of the output, as `head` does, is no error", async () => {
    const help = new CliProcess(["serve", "--help"]);
    help.child.stdout?.destroy();
    expect(await help.exit()).toMatchObject({ code: 0, stderr: "" });
  });

  test("the installed command is the same program, and tells its version", async () => {
    const installed = join(dirname(wattboardBin), "../../../node_modules/.bin/wattboard");
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    const { stdout } = await promisify(execFile)(installed, ["--version"], { env });
    expect(stdout).toBe(`${version}\n`);
  });
});

interface Listed {
  readonly device_id: string;
  readonly name: string;
  readonly properties: Record<string, string>;
  readonly active: boolean;
  readonly online: boolean;
}

const until = untilFileEnds();

describe.each([
  ["while no server runs", async () => makeFolder(until)],
  ["while the server runs", async () => (await startServe({ until })).dataDir],
])("%s", (_when, open) => {
  let opened: Promise<string> | undefined;
  /** The command line's target, opened with the first test. */
  const target = async () => {
    opened ??= open();
    return ["--data-dir", await opened];
  };

  test("a device is added, listed, rotated, revoked and removed", async () => {
    const at = await target();
    const added = await runJson<object>([
      "device",
      "add",
      "--create-folder",
      "ems_001",
      "--name",
      "Cellar",
      "--property",
      "country=SE",
      "--property",
      "floor=-1",
      ...at,
    ]);
    expect(added).toEqual({ device_id: "ems_001", token: expect.stringMatching(/^wb_/) });
    expect(await runJson<Listed[]>(["device", "list", ...at])).toMatchObject([
      { device_id: "ems_001", name: "Cellar", properties: { country: "SE", floor: "-1" }, active: true, online: false },
    ]);
    const table = (await runCli(["device", "list", ...at])).stdout;
    expect(table).toMatch(/^ID +NAME +ONLINE +TOKEN +REGISTERED\nems_001 +Cellar +no +valid +\d{4}-/);

    const again = await runCli(["device", "add", "ems_001", ...at]);
    expect(again).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("rotate") });

    const rotated = await runJson<{ token: string }>(["device", "rotate", "ems_001", ...at]);
    expect(rotated).toMatchObject({ device_id: "ems_001", token: expect.stringMatching(/^wb_/) });
    expect(rotated).not.toEqual(added);
    expect(await runJson<Listed>(["device", "revoke", "ems_001", ...at])).toMatchObject({ active: false });
    expect((await runCli(["device", "list", ...at])).stdout).toContain("revoked");

    expect(await runCli(["device", "remove", "ems_001", ...at])).toMatchObject({ code: 0, stderr: "" });
    expect(await runJson(["device", "list", ...at])).toEqual([]);

    expect((await runCli(["device", "add", "ems_001", ...at])).stdout).toContain("add it again with --keep-history");
    expect((await runCli(["device", "remove", "ems_001", ...at])).stdout).toContain("samples stay in the store");
    expect(await runJson(["device", "add", "ems_001", "--keep-history", ...at])).not.toHaveProperty("history_from");
    await runCli(["device", "remove", "ems_001", ...at]);
  });

  test("people read the token once, in words, and it is on no other line", async () => {
    const { code, stdout } = await runCli(["device", "add", "--create-folder", "ems_002", ...(await target())]);
    expect(code).toBe(0);
    expect(stdout).toContain("shown only this once");
    expect(stdout.match(/wb_/g)).toHaveLength(1);
  });

  test("what names no device fails with exit code 1, and says so", async () => {
    const at = await target();
    for (const verb of ["rotate", "revoke", "remove"]) {
      const { code, stdout, stderr } = await runCli(["device", verb, "nobody", ...at]);
      expect([verb, code, stdout]).toEqual([verb, 1, ""]);
      expect(stderr).toBe("No device with this id is registered.\n");
    }
  });

  test("what can be no id, name, property or time is refused with exit code 2, and nothing is registered", async () => {
    const cases = [
      ["device", "add", "../etc"],
      ["device", "add", "x".repeat(65)],
      ["device", "add", "a", "--name", ""],
      ["device", "add", "a", "--name", "x".repeat(121)],
      ["device", "add", "a", "--property", "Country=SE"],
      ["device", "add", "a", "--property", `note=${"x".repeat(257)}`],
      ["api-token", "add", "", "--role", "viewer"],
      ["api-token", "add", "a", "--role", "viewer", "--expires", "0s"],
    ];
    const at = await target();
    const before = await runJson(["device", "list", ...at]);
    for (const args of cases) {
      const { code, stdout, stderr } = await runCli([...args, ...at]);
      expect([args, code, stdout]).toEqual([args, 2, ""]);
      expect(stderr).toMatch(/^.{10,}\n$/);
    }
    expect(await runJson(["device", "list", ...at])).toEqual(before);
    expect(await runJson(["api-token", "list", ...at])).toEqual([]);
  });

  test("an API token is added, listed without its value, and removed", async () => {
    const at = await target();
    const added = await runJson<{ name: string; token: string }>([
      "api-token",
      "add",
      "wall board",
      "--role",
      "viewer",
      "--expires",
      "90d",
      ...at,
    ]);
    expect(added).toEqual({ name: "wall board", token: expect.stringMatching(/^wb_/) });
    const listed = await runJson<{ created_at: string; expires_at: string }[]>(["api-token", "list", ...at]);
    expect(listed).toMatchObject([{ name: "wall board", role: "viewer" }]);
    const [{ created_at: from, expires_at: to } = { created_at: "", expires_at: "" }] = listed;
    expect(Date.parse(to) - Date.parse(from)).toBe(90 * 86_400_000);
    expect(JSON.stringify(listed)).not.toContain(added.token);

    const twice = await runCli(["api-token", "add", "wall board", "--role", "admin", ...at]);
    expect(twice).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("exists already") });
    expect(await runCli(["api-token", "remove", "wall board", ...at])).toMatchObject({ code: 0 });
    expect(await runCli(["api-token", "remove", "wall board", ...at])).toMatchObject({ code: 1, stdout: "" });
    expect(await runJson(["api-token", "list", ...at])).toEqual([]);
  });
});

describe("without a server", () => {
  test("a folder with no data is not made by a command that does not say so, and said to be empty", async () => {
    const folder = join(makeFolder(), "typo");
    const asked = [["device", "list"], ["device", "revoke", "a"], ["api-token", "list"], ["simulate"]];
    const token = ["api-token", "add", "t", "--role", "viewer"];
    for (const args of [...asked, ["device", "add", "a"], token, ["user", "setup-link"]]) {
      const { code, stderr } = await runCli([...args, "--data-dir", folder]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`There is no Wattboard data in ${folder}.`)]);
      expect(existsSync(folder)).toBe(false);
    }
  });

  test("commands that run at the same time wait for each other, and each has its effect", async () => {
    const folder = makeFolder();
    const ids = ["a", "b", "c", "d", "e", "f"];
    const added = await Promise.all(
      ids.map((id) => runCli(["device", "add", "--create-folder", id, "--data-dir", folder])),
    );
    expect(added.map(({ code, stderr }) => [code, stderr])).toEqual(ids.map(() => [0, ""]));
    const listed = await runJson<Listed[]>(["device", "list", "--data-dir", folder]);
    expect(listed.map(({ device_id: id }) => id)).toEqual(ids);
  });
});

describe("with --url", () => {
  test("an admin's token in WATTBOARD_TOKEN is needed: without one, with a wrong one or a lesser one, it says what is missing", async () => {
    const { url, dataDir } = await startServe();
    const make = async (role: string) =>
      (await runJson<{ token: string }>(["api-token", "add", role, "--role", role, "--data-dir", dataDir])).token;
    const list = (token: string | undefined, args = ["device", "list", "--json", "--url", url]) =>
      runCli(args, { env: token === undefined ? {} : { WATTBOARD_TOKEN: token } });
    const admin = await make("admin");

    expect(await list(admin)).toMatchObject({ code: 0, stdout: "[]\n" });
    const add = await list(admin, ["device", "add", "ems_001", "--json", "--url", `${url}/`]);
    expect(JSON.parse(add.stdout)).toEqual({ device_id: "ems_001", token: expect.any(String) });
    const inEnv = await runCli(["device", "list", "--json"], { env: { WATTBOARD_TOKEN: admin, WATTBOARD_URL: url } });
    expect(JSON.parse(inEnv.stdout)).toMatchObject([{ device_id: "ems_001" }]);

    for (const role of ["viewer", "operator"]) {
      const lesser = await list(await make(role), ["device", "revoke", "ems_001", "--url", url]);
      expect(lesser).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("Needed here: admin.") });
    }
    const none = await list(undefined);
    expect(none).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("WATTBOARD_TOKEN") });
    expect(none.stderr).toContain("api-token add NAME --role admin");
    const wrong = await list(`${admin}x`);
    expect(wrong).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("does not know the token") });
    expect(wrong.stderr).not.toContain(admin);
    // Nothing of this has changed the device.
    expect(JSON.parse((await list(admin)).stdout)).toMatchObject([{ device_id: "ems_001", active: true }]);
  });

  test("an address where no Wattboard answers is named, with exit code 1", async () => {
    const list = (url: string) => runCli(["device", "list", "--url", url], { env: { WATTBOARD_TOKEN: "x" } });
    const dead = await list("http://127.0.0.1:9");
    expect([dead.code, dead.stderr]).toEqual([1, expect.stringContaining("No answer from http://127.0.0.1:9/api/v1.")]);
    for (const url of ["board.example.org", "ftp://127.0.0.1"]) {
      expect(await list(url)).toMatchObject({ code: 2, stderr: expect.stringContaining("https://board.example.org") });
    }
  });
});
