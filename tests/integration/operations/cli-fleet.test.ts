import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FleetFrame, FleetRow } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { EmbeddedStore, loadConfig, storeLimits } from "wattboard";
import { samplesCounted } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { CliProcess, makeFolder, runCli, runJson, startServe, wattboardBin } from "../../support/run-cli.ts";
import { openSocket, type TestSocket } from "../../support/sockets.ts";

/** The fleet as its stream has told it so far. */
function fleetOf({ received }: TestSocket): Map<string, FleetRow> {
  const rows = new Map<string, FleetRow>();
  for (const text of received) {
    const frame = JSON.parse(text) as FleetFrame;
    if (frame.type === "removed") continue;
    for (const row of frame.devices) rows.set(row.id, row);
  }
  return rows;
}

/** Resolves when so many devices are connected and have sent something since then. */
async function untilLive(fleet: TestSocket, count: number, sinceMs = 0): Promise<FleetRow[]> {
  return await eventually(
    () => {
      const rows = [...fleetOf(fleet).values()];
      const live = rows.filter((row) => row.online && (row.received_at_ms ?? -1) >= sinceMs);
      expect(live).toHaveLength(count);
      return live;
    },
    { withinMs: 10_000 },
  );
}

async function storedCount(dataDir: string): Promise<number> {
  const store = await EmbeddedStore.open(
    dataDir,
    storeLimits(loadConfig({ flags: {}, env: {}, file: undefined }).config),
  );
  const { samples } = await store.info();
  await store.close();
  return samples;
}

describe("demo", () => {
  test("starts a server with a live fleet from one command, says where it is, and Ctrl-C stops all of it", async () => {
    const cwd = makeFolder();
    const demo = new CliProcess(["demo", "--devices", "5", "--port", "0", "--no-history"], { cwd });
    const [, url = ""] = await demo.printed(/Fleet, live +(http:\/\/127\.0\.0\.1:\d+)\n/);
    await demo.printed(/Ctrl-C stops everything/);
    const fleet = await openSocket(`${url.replace("http", "ws")}/ws/fleet`);
    const live = await untilLive(fleet, 5);
    expect(live.every(({ properties }) => properties.simulated === "true" && properties.country !== undefined)).toBe(
      true,
    );
    if (existsSync(join(wattboardBin, "../../public/index.html"))) {
      expect(await (await fetch(url)).text()).toContain("<!doctype html>");
    }
    // What it prints to try next works as it stands.
    const [, next = ""] = await demo.printed(/npx wattboard (device add .*--data-dir \S+)/);
    expect((await runCli(next.split(" "), { cwd })).code).toBe(0);
    const [, dashboard = ""] = await demo.printed(/As a dashboard +(\S+)/);
    await (await openSocket(dashboard)).receive(1);

    demo.signal("SIGINT");
    const { code, stdout, stderr } = await demo.exit();
    expect(code).toBe(0);
    expect(stdout).toContain("Stopped.");
    expect(stderr).not.toMatch(/error|warning/i);
    await expect(fetch(url)).rejects.toThrow();
    expect(await storedCount(join(cwd, "data", "demo"))).toBeGreaterThanOrEqual(5);
  });

  test("goes on where it left off: the same devices, and the samples of before", async () => {
    const cwd = makeFolder();
    const run = async () => {
      const startedAtMs = Date.now();
      const demo = new CliProcess(["demo", "--devices=2", "--port=0", "--no-history"], { cwd });
      const [, url = ""] = await demo.printed(/Fleet, live +(\S+)/);
      const fleet = await openSocket(`${url.replace("http", "ws")}/ws/fleet`);
      const live = await untilLive(fleet, 2, startedAtMs);
      demo.signal("SIGTERM");
      expect((await demo.exit()).code).toBe(0);
      return { ids: live.map(({ id }) => id).sort(), stored: await storedCount(join(cwd, "data", "demo")) };
    };
    const first = await run();
    const second = await run();
    expect(second.ids).toEqual(first.ids);
    expect(second.stored).toBeGreaterThan(first.stored);
  });

  test("says in one line that its port is taken", async () => {
    const { port } = new URL((await startServe()).url);
    const { code, stdout, stderr } = await runCli(["demo", "--port", port], { cwd: makeFolder() });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^Port \d+ on 127\.0\.0\.1 is taken\.[^\n]*\n$/);
  });
});

describe("simulate", () => {
  test("runs a fleet against a server of this machine, found by its data folder, and Ctrl-C ends it alone", async () => {
    const server = await startServe();
    const args = ["simulate", "--devices=3", "--rate=20", `--data-dir=${server.dataDir}`];
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    for (let run = 0; run < 2; run++) {
      const before = await samplesCounted(server, "accepted");
      const simulate = new CliProcess(args);
      const live = await untilLive(fleet, 3);
      expect(live.map(({ id }) => id).sort()).toEqual(["sim_0001", "sim_0002", "sim_0003"]);
      await eventually(async () => expect(await samplesCounted(server, "accepted")).toBeGreaterThan(before + 30));
      simulate.signal("SIGINT");
      expect(await simulate.exit()).toMatchObject({ code: 0, stdout: "" });
      await eventually(() => expect([...fleetOf(fleet).values()].filter(({ online }) => online)).toEqual([]));
    }
    expect(await samplesCounted(server, "invalid_schema")).toBe(0);
  });

  test("never touches a real device: a prefix that hits one is refused before anything is registered", async () => {
    const server = await startServe();
    const at = ["--data-dir", server.dataDir];
    await server.addDevice("sim_0002");
    const { code, stdout, stderr } = await runCli(["simulate", "--devices=3", ...at]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/sim_0002 is registered and not marked as simulated\. Choose another --prefix\.\n$/);
    expect(await runJson<object[]>(["device", "list", ...at])).toHaveLength(1);
    const bad = await runCli(["simulate", "--devices=1", "--prefix=no good", ...at]);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining("A device id has 1 to 64")]);
  });

  test("takes tokens from a file instead of the right to register", async () => {
    const server = await startServe();
    const added = await runCli([
      "device",
      "add",
      "--create-folder",
      "own_0001",
      "--json",
      "--data-dir",
      server.dataDir,
    ]);
    const folder = makeFolder();
    const file = join(folder, "tokens.jsonl");
    writeFileSync(file, added.stdout);
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    const usual = ["simulate", "--prefix=own", `--url=${server.url}`];
    const simulate = new CliProcess([...usual, "--devices=1", `--tokens=${file}`], { cwd: folder });
    await untilLive(fleet, 1);
    simulate.signal("SIGTERM");
    expect((await simulate.exit()).code).toBe(0);

    const tooFew = await runCli([...usual, "--devices=2", `--tokens=${file}`]);
    expect([tooFew.code, tooFew.stderr]).toEqual([2, `${file} has no token for own_0002.\n`]);
    const missing = await runCli([...usual, "--tokens=/nowhere/tokens"]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/^\/nowhere\/tokens cannot be read: [^\n]+\n$/),
    ]);
    writeFileSync(file, `${readFileSync(file, "utf8")}secret-that-is-no-json\n`);
    const broken = await runCli([...usual, "--devices=1", `--tokens=${file}`]);
    expect(broken.stderr).not.toContain("secret");
    expect([broken.code, broken.stderr]).toEqual([2, expect.stringContaining(`${file}: line 2 is not `)]);
  });

  test("says that no server runs on the folder, and how to start one", async () => {
    const folder = makeFolder();
    await runCli(["device", "add", "--create-folder", "a", "--data-dir", folder]);
    const { code, stderr } = await runCli(["simulate", "--data-dir", folder]);
    expect([code, stderr]).toEqual([
      1,
      `No server runs on ${folder}. Start one: wattboard serve --data-dir ${folder}\n`,
    ]);
  });
});
