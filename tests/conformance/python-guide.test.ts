// The scripts of docs/guide/python.md, as they stand there: the EMS's own, and what three changed lines make of it.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { storedSamples } from "../support/api.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { pythonWithWebsockets } from "../support/python-client.ts";
import { startServer, type TestServer, temporaryFolder } from "../support/start-server.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const guide = readFileSync(join(root, "docs/guide/python.md"), "utf8");
const python = pythonWithWebsockets ?? "python3";
const env = {
  PATH: process.env.PATH,
  PYTHONPATH: join(root, "packages/device-python/src"),
  PYTHONDONTWRITEBYTECODE: "1",
};

/** The guide's code block that has this text. */
function block(language: string, having: string): string {
  const blocks = [...guide.matchAll(/^```(\w+)\n([^`]*)^```$/gm)];
  const found = blocks.find(([, its, code]) => its === language && code?.includes(having))?.[2];
  if (found === undefined) throw new Error(`no ${language} block with ${having} in the guide`);
  return found;
}

const emsScript = () => block("py", "import websockets");

/** The EMS's script with the guide's three lines changed. */
function losslessScript(): string {
  let script = emsScript();
  const lines = block("diff", "wattboard_device").trimEnd().split("\n");
  expect(lines.filter((line) => line.startsWith("-"))).toHaveLength(3);
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith("-")) continue;
    const next = lines[index + 1];
    expect(script.split(`${line.slice(1)}\n`)).toHaveLength(2);
    script = script.replace(`${line.slice(1)}\n`, next?.startsWith("+") ? `${next.slice(1)}\n` : "");
  }
  return script;
}

/** Runs a script against the server, 20 times as fast. */
function run(server: TestServer, script: string, token: string) {
  const path = join(temporaryFolder(), "device.py");
  const isOld = spawnSync(python, ["-c", "import websockets; assert int(websockets.__version__.split('.')[0]) < 14"]);
  const here = script
    .replace("wss://api.your-domain.com", server.wsUrl)
    .replace("await asyncio.sleep(1)", "await asyncio.sleep(0.05)")
    .replace("await asyncio.sleep(5)", "await asyncio.sleep(0.25)")
    .replace("extra_headers", isOld.status === 0 ? "extra_headers" : "additional_headers");
  writeFileSync(path, here);
  const journals = { WATTBOARD_JOURNALS: temporaryFolder() };
  const child = spawn(python, [path], { env: { ...env, ...journals, DEVICE_ID: "ems_001", API_TOKEN: token } });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      text += chunk;
    });
  }
  const count = (line: string) => text.split(line).length - 1;
  return {
    sent: () => count("Sent Telemetry"),
    commands: () => count("Received Command"),
    lost: () => count("Connection Lost"),
    text: () => text,
    stop: () => child.kill("SIGKILL"),
  };
}

async function restart(server: TestServer): Promise<TestServer> {
  return await startServer({ dataDir: server.dataDir, settings: { port: new URL(server.url).port } });
}

needs("python3-websockets", pythonWithWebsockets !== undefined)("the scripts of the guide to devices in Python", () => {
  test("the EMS's own measures nothing while there is no link", async () => {
    const server = await startServer();
    const script = run(server, emsScript(), server.addDevice("ems_001"));
    await eventually(() => expect(script.sent(), script.text()).toBeGreaterThan(3), { withinMs: 20_000 });
    await server.stop();
    await eventually(() => expect(script.lost()).toBeGreaterThan(1), { withinMs: 20_000 });
    const before = script.sent();
    await eventually(() => expect(script.lost()).toBeGreaterThan(4), { withinMs: 20_000 });
    expect(script.sent()).toBe(before);
    await restart(server);
    await eventually(() => expect(script.sent()).toBeGreaterThan(before), { withinMs: 20_000 });
  });

  test("with three lines changed it measures on, and the server has all of it after the outage", async () => {
    const server = await startServer();
    const script = run(server, losslessScript(), server.addDevice("ems_001"));
    await eventually(() => expect(script.sent(), script.text()).toBeGreaterThan(3), { withinMs: 20_000 });
    await callerOf(server, "operator").give("ems_001", { command_id: "cmd_1", action: "RESET_ERROR", payload: {} });
    await eventually(() => expect(script.commands(), script.text()).toBe(1), { withinMs: 20_000 });
    await server.stop();
    const before = script.sent();
    await eventually(() => expect(script.sent()).toBeGreaterThan(before + 10), { withinMs: 20_000 });
    expect(script.lost()).toBe(0);
    const again = await restart(server);
    const measured = script.sent();
    await eventually(
      async () => {
        const samples = await storedSamples(again, "ems_001");
        expect(samples.length).toBeGreaterThanOrEqual(measured);
        const times = samples.map(({ telemetry }) => telemetry.timestamp);
        expect(new Set(times).size).toBe(times.length);
      },
      { withinMs: 40_000 },
    );
  });

  test("the five lines send what a dashboard's history shows", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const script = block("py", "with Device(")
      .replace('"wb_…"', JSON.stringify(token))
      .replace("https://wattboard.example.org", server.url);
    run(server, script, token);
    await eventually(
      async () => expect((await storedSamples(server, "ems_001"))[0]?.telemetry.battery).toMatchObject({ soc: 85 }),
      { withinMs: 20_000 },
    );
  });
});
