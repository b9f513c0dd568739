import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { settings } from "wattboard";
import { type CliOptions, CliProcess, makeFolder, runCli } from "../../support/run-cli.ts";

/** Starts `serve` on a free port with what is given and nothing else; gives what its first log line says, and who may look. */
async function serveWith(args: readonly string[], options: CliOptions & { cwd: string }) {
  const serve = new CliProcess(["serve", ...args], { ...options, env: { WATTBOARD_PORT: "0", ...options.env } });
  const [, url = "", dataDir] = await serve.printed(/"url":"([^"]+)","data_dir":"([^"]+)".*wattboard is ready/);
  const { status } = await fetch(`${url}/api/v1/devices`);
  serve.signal("SIGKILL");
  await serve.exited;
  return { dataDir, dashboards: status === 200 ? "public" : "people", warnings: serve.stderr };
}

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = makeFolder(onTestFinished);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

test("a flag goes over the environment, the environment over the file, and the file over the default", async () => {
  const cwd = folderWith({ "wattboard.yaml": "data_dir: ./from-file\n" });
  const file = ["--config", "wattboard.yaml"];
  const env = { WATTBOARD_DATA_DIR: "./from-env" };
  const found = await Promise.all([
    serveWith([...file, "--data-dir", "./from-flag"], { cwd, env }),
    serveWith(file, { cwd, env }),
    serveWith(file, { cwd }),
    serveWith([], { cwd }),
  ]);
  expect(found.map(({ dataDir }) => dataDir)).toEqual(["./from-flag", "./from-env", "./from-file", "./data"]);
  expect(found.map(({ dashboards }) => dashboards)).toEqual(["people", "people", "people", "people"]);
});

test("a file may be YAML or JSON, in groups or with dotted names; a group left empty says nothing", async () => {
  const cwd = folderWith({
    "groups.yaml": "access:\n  dashboards: public\nlog:\n  # level: warn\nstore:\n",
    "dotted.yaml": "access.dashboards: public\n",
    "groups.json": '{"access": {"dashboards": "public"}, "port": 0}',
    "empty.yaml": "# nothing yet\n",
  });
  const files = ["groups.yaml", "dotted.yaml", "groups.json", "empty.yaml"];
  const found = await Promise.all(
    files.map((file) => serveWith(["--config", file, "--data-dir", join(cwd, `data-${file}`)], { cwd })),
  );
  expect(found.map(({ dashboards }) => dashboards)).toEqual(["public", "public", "public", "people"]);
});

test("every setting has a name in the environment; one that is no setting is warned of, and an empty one says nothing", async () => {
  const cwd = folderWith({});
  const env = { WATTBOARD_ACCESS_DASHBOARDS: "public", WATTBOARD_ACESS_ORIGINS: "x", WATTBOARD_CONFIG: "" };
  const { dashboards, warnings } = await serveWith([], { cwd, env });
  expect(dashboards).toBe("public");
  const lines = warnings.split("\n").filter((line) => line.startsWith("Warning"));
  expect(lines).toEqual(["Warning: WATTBOARD_ACESS_ORIGINS is set, but is no setting of this version."]);

  const help = (await runCli(["serve", "--help"])).stdout.replaceAll(/\s+/g, " ");
  for (const { flag, env: name } of settings) {
    expect(help).toMatch(new RegExp(`${flag} [<\\[]`));
    expect(help).toContain(name);
  }
});

test("all problems are reported at once, each with where it was said and what it must be, and nothing is started", async () => {
  const cwd = folderWith({
    "wattboard.yaml": "acess:\n  dashboards: public\ndashboards: public\nlog: loud\nstore:\n  flush_ms: soon\n",
  });
  const env = {
    WATTBOARD_ACCESS_DASHBOARDS: "everyone",
    WATTBOARD_ACCESS_ORIGINS: "https://a.example, b.example",
    WATTBOARD_HEARTBEAT_PING_MS: "1",
  };
  const { code, stdout, stderr } = await runCli(["serve", "--config", "wattboard.yaml", "--port", "65536"], {
    cwd,
    env,
  });
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("The configuration has 8 problems:");
  const lines = stderr.split("\n");
  const problem = (...words: string[]) => lines.some((line) => words.every((word) => line.includes(word)));
  expect(problem("wattboard.yaml: acess", "is no setting")).toBe(true);
  expect(problem("wattboard.yaml: dashboards is no setting", "access.dashboards")).toBe(true);
  expect(problem("wattboard.yaml: log is no setting", "log.level")).toBe(true);
  expect(problem("wattboard.yaml: store.flush_ms", '"soon"', "whole number of at least 10")).toBe(true);
  expect(problem("WATTBOARD_ACCESS_DASHBOARDS", '"everyone"', "people, public")).toBe(true);
  expect(problem("WATTBOARD_ACCESS_ORIGINS", "b.example", "a list such as https://board.example.org")).toBe(true);
  expect(problem("WATTBOARD_HEARTBEAT_PING_MS", "at least 1000")).toBe(true);
  expect(problem("--port", "65536", "from 0 to 65535")).toBe(true);
  expect(existsSync(join(cwd, "data"))).toBe(false);
});

test("a file that is not there, is broken, or holds no settings is named, with exit code 2", async () => {
  const cwd = folderWith({
    "broken.yaml": "port: 1\n  host: [",
    "list.yaml": "- port\n",
    "twice.yaml": "port: 1\nport: 2\n",
  });
  for (const file of ["missing.yaml", "broken.yaml", "list.yaml", "twice.yaml"]) {
    const { code, stderr } = await runCli(["serve", "--config", file], { cwd });
    expect(code, file).toBe(2);
    expect(stderr).toContain(`- ${file} `);
    expect(stderr).not.toContain("    at ");
  }
});

test("demo has its own defaults, and the file goes over them", async () => {
  const cwd = folderWith({ "wattboard.json": '{"access": {"dashboards": "people"}}' });
  const status = async (args: readonly string[]) => {
    const demo = new CliProcess(["demo", "--devices", "1", "--port", "0", "--no-history", ...args], { cwd });
    const [, url = ""] = await demo.printed(/Fleet, live\s+(\S+)/);
    const { status } = await fetch(`${url}/api/v1/devices`);
    demo.signal("SIGKILL");
    await demo.exited;
    return status;
  };
  expect(await status([])).toBe(200);
  expect(await status(["--config", "wattboard.json"])).toBe(401);
  expect(existsSync(join(cwd, "data", "demo", "access.db"))).toBe(true);
});
