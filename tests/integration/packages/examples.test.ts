import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { needs } from "../../support/needs.ts";
import { pythonWithWebsockets } from "../../support/python-client.ts";
import { openDashboard, openDevice } from "../../support/sockets.ts";
import { startServer, temporaryFolder } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

/** Runs a file of `examples/` until the test ends; gives what it prints. */
function runExample(program: string, file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const path = fileURLToPath(new URL(`../../../examples/${file}`, import.meta.url));
  const child: ChildProcess = spawn(program, [path, ...args], {
    env: { PATH: process.env.PATH, WATTBOARD_JOURNALS: temporaryFolder(), ...env },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      output.text += chunk;
    });
  }
  return output;
}

test("the device and the dashboard in Node find each other through the server", async () => {
  const server = await startServer();
  const token = server.addDevice("ems_001");
  const env = { WATTBOARD_URL: server.url };
  const dashboard = runExample(process.execPath, "dashboard.mjs", ["ems_001"], env);
  const device = runExample(process.execPath, "device.mjs", [], { ...env, DEVICE_ID: "ems_001", API_TOKEN: token });
  await eventually(() => expect(device.text).toContain("online"), { withinMs: 10_000 });
  await eventually(() => expect(dashboard.text).toMatch(/CHARGING 50\.\d+ % 528 W/), { withinMs: 10_000 });
});

test("the device that sees others tells what they send", async () => {
  const server = await startServer({ settings: { "access.peers": "true" } });
  const near = await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
  near.send(sampleOf("ems_002"));
  const token = server.addDevice("ems_001");
  server.devices.change("ems_001", { properties: { site: "harbour", peers: "site" } });
  server.devices.change("ems_002", { properties: { site: "harbour" } });
  const env = { WATTBOARD_URL: server.url, DEVICE_ID: "ems_001", API_TOKEN: token };
  const device = runExample(process.execPath, "peers.mjs", [], env);
  await eventually(() => expect(device.text).toContain("peers: ems_002"), { withinMs: 10_000 });
  await eventually(() => expect(device.text).toContain("ems_002 85 %"), { withinMs: 10_000 });
});

needs("python3-websockets", pythonWithWebsockets !== undefined)("the device in Python", () => {
  test("sends what a dashboard gets", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const env = { URI: `${server.wsUrl}/ws/device/ems_001`, DEVICE_ID: "ems_001", API_TOKEN: token };
    const device = runExample(pythonWithWebsockets ?? "python3", "device.py", [], env);
    const [text = ""] = await dashboard.receive(1);
    expect(JSON.parse(text)).toMatchObject({ device_id: "ems_001", battery: { soc: 85 } });
    expect(device.text).toContain("connected");
  });
});
