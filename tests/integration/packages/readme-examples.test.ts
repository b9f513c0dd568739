import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isRefusal } from "@wattboard/protocol";
import { createServer } from "vite";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { openDevice, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, temporaryFolder } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

/** Method: the code of the READMEs and guides as it stands there, but for the server's address and the folders it names, which are made anew. */

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The blocks of a page in this language, in order. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, "gs"))].map(([, block = ""]) => block);
}

/** Runs code until the test ends, on the Node of the PATH, which may be an older one than ours; gives what it prints. */
function run(code: string, env: Readonly<Record<string, string>>): { text: string } {
  const child: ChildProcess = spawn("node", ["--input-type=module", "--eval", code], {
    cwd: root,
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

async function startForPeople() {
  const server = await startServer({ settings: { "access.dashboards": "people" } });
  const deviceToken = server.addDevice("ems_001");
  const added = server.apiTokens.add("wallboard", "viewer", null);
  if (isRefusal(added)) throw new Error(added.message);
  return { server, deviceToken, token: added.token };
}

test("the device of its README sends, obeys, and makes the folder that it remembers commands in", async () => {
  const { server, deviceToken } = await startForPeople();
  const folder = join(temporaryFolder(), "lib", "my-device");
  const [code = ""] = blocks("packages/device/README.md", "js");
  expect(code).toContain("/var/lib/my-device/");
  const env = { DEVICE_ID: "ems_001", API_TOKEN: deviceToken, WATTBOARD_URL: server.url };
  const output = run(code.replaceAll("/var/lib/my-device", folder), env);
  await eventually(() => expect(output.text).toContain("Connected to"));
  expect(existsSync(folder)).toBe(true);
  const control = JSON.parse(readFileSync(join(server.dataDir, "control.json"), "utf8")) as { token: string };
  const answer = await fetch(`${server.url}/api/v1/devices/ems_001/commands`, {
    method: "POST",
    headers: { authorization: `Bearer ${control.token}`, "content-type": "application/json" },
    body: JSON.stringify({ action: "SET_MODE", payload: { target_mode: "MANUAL_CHARGE", target_power: 800 } }),
  });
  expect(answer.status).toBe(202);
  await eventually(() => expect(output.text).toContain("mode MANUAL_CHARGE 800"));
  expect(existsSync(join(folder, "commands.json"))).toBe(true);
});

test("the client of its README, and the program of the guide, show what comes where people have to sign in", async () => {
  const { server, deviceToken, token } = await startForPeople();
  const device = await openDevice(server.wsUrl, "ems_001", deviceToken);
  device.send(sampleOf("ems_001"));
  const [one = "", fleet = ""] = blocks("packages/client/README.md", "js");
  const [program = ""] = blocks("docs/guide/own-dashboard.md", "js");
  const outputs = [one, fleet, program].map((code) =>
    run(code.replaceAll(/"https?:\/\/[^"]+"/g, JSON.stringify(server.url)), { WATTBOARD_TOKEN: token }),
  );
  await eventually(() => expect(outputs[0]?.text).toMatch(/85 % \d+/));
  await eventually(() => expect(outputs[1]?.text).toMatch(/ems_001 CHARGING -?\d+ ms old/));
  await eventually(() => expect(outputs[2]?.text).toMatch(/^85$/m));
});

test("the example of 'Watch it' says who may look where it has no token", async () => {
  const { server } = await startForPeople();
  const code = readFileSync(join(root, "examples/dashboard.mjs"), "utf8");
  const output = run(code, { WATTBOARD_URL: server.url });
  await eventually(() => expect(output.text).toMatch(/ws\/dashboard\/ems_001: Forbidden\./));
});

test("a page under Vite with the proxy of the guide is one site with the server", async () => {
  const server = await startServer({ settings: { "access.dashboards": "public" } });
  const folder = temporaryFolder();
  const [config = ""] = blocks("docs/guide/own-dashboard.md", "ts");
  const file = join(folder, "vite.config.mjs");
  const vitePath = pathToFileURL(join(root, "node_modules/vite/dist/node/index.js")).href;
  writeFileSync(
    file,
    config.replaceAll("http://127.0.0.1:8000", server.url).replace('"vite"', JSON.stringify(vitePath)),
  );
  const vite = await createServer({
    root: folder,
    configFile: file,
    configLoader: "native",
    logLevel: "silent",
    server: { port: 0, host: "127.0.0.1" },
  });
  onTestFinished(() => vite.close());
  await vite.listen();
  const [origin = ""] = (vite.resolvedUrls?.local ?? []).map((url) => url.replace(/\/$/, ""));
  const direct = await tryOpenSocket(`${server.wsUrl}/ws/fleet`, { headers: { origin } });
  expect(direct).toMatchObject({ status: 403 });
  const proxied = await tryOpenSocket(`${origin.replace("http", "ws")}/ws/fleet`, { headers: { origin } });
  expect("status" in proxied ? proxied.status : 101).toBe(101);
  expect((await fetch(`${origin}/api/v1/devices`)).status).toBe(200);
});
