import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { events, metric } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { secondBySecond, storePast } from "../../support/history.ts";
import { CliProcess, makeFolder, runCli, runJson, startServe } from "../../support/run-cli.ts";
import { openDevice, type TestSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const startMs = Date.UTC(2026, 0, 31);

/** A server with an hour of one device. */
async function startFilled(): Promise<TestServer> {
  const server = await startServer({ settings: { "limits.messages_burst": "1000000" } });
  server.addDevice("ems_001");
  await storePast(server.store, secondBySecond("ems_001", startMs, 3_600));
  return server;
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

/** Another name for a folder. */
function linkTo(folder: string): string {
  const link = join(makeFolder(), "link");
  symlinkSync(folder, link);
  return link;
}

const exportAll = (dataDir: string) => run("export", "--all", "--data-dir", dataDir);

/** Sends numbered samples without end, until the function that comes back is called; it gives how many. */
function sendOn(device: TestSocket, deviceId: string): () => number {
  let sent = 0;
  const timer = setInterval(() => {
    for (let each = 0; each < 20; each++) device.send(sampleOf(deviceId, { solar: { power: ++sent } }));
  }, 5);
  return () => {
    clearInterval(timer);
    return sent;
  };
}

test("a backup under load holds every sample that was acked before it began, and the server goes on", async () => {
  const server = await startFilled();
  const token = server.addDevice("live_001");
  const device = await openDevice(server.wsUrl, "live_001", token);
  const stop = sendOn(device, "live_001");
  const committed = () => metric(server, "wattboard_stored_samples_total");
  await eventually(async () => expect(await committed()).toBeGreaterThan(500));
  const before = await committed();
  const to = join(makeFolder(), "backup");
  const said = await run("backup", to, "--data-dir", server.dataDir);
  for (const name of readdirSync(to)) expect([name, statSync(join(to, name)).mode & 0o077]).toEqual([name, 0]);
  expect(said).toContain(`wattboard restore ${to}`);
  await eventually(async () => expect(await committed()).toBeGreaterThan(before + 100));
  const sent = stop();
  await eventually(async () => expect(await committed()).toBe(sent));
  expect(readdirSync(join(server.dataDir, "tmp"))).toEqual([]);

  const folder = join(makeFolder(), "restored");
  expect(await run("restore", to, "--data-dir", folder)).toContain(`wattboard serve --data-dir ${folder}`);
  expect(await run("store", "verify", "--data-dir", folder)).toContain("All is well");
  const csv = await run("export", "--device", "live_001", "--points", "solar.power", "--data-dir", folder);
  const powers = csv
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => Number(line.split(",").at(-1)));
  expect(powers.length).toBeGreaterThanOrEqual(before);
  // None is missing between the first and the last.
  expect([...powers].sort((a, b) => a - b)).toEqual(powers.map((_, at) => at + 1));
  const hour = (dataDir: string) => run("export", "--device", "ems_001", "--data-dir", dataDir);
  expect(await hour(folder)).toBe(await hour(server.dataDir));

  // A server starts on it, and the devices' tokens are good there.
  const restored = await startServe({ dataDir: folder });
  await openDevice(restored.wsUrl, "live_001", token);
});

test.each([
  ["a folder", "backup"],
  ["a single file", "backup.tar"],
])("a backup of a folder without a server, as %s, is what it was once it is restored", async (_what, name) => {
  const server = await startFilled();
  const whole = await exportAll(server.dataDir);
  await server.stop();
  const to = join(makeFolder(), name);
  expect(await run("backup", to, "--data-dir", server.dataDir)).toContain("3,600 samples");
  const folder = join(makeFolder(), "new", "restored");
  await run("restore", to, "--data-dir", folder);
  expect(await exportAll(folder)).toBe(whole);
  expect(readdirSync(folder).sort()).toEqual([
    "access.db",
    "alarms.db",
    "audit.db",
    "commands.db",
    "revocations",
    "store.db",
    "version.json",
  ]);
});

test("a server elsewhere is backed up by its address, with an admin's token only", async () => {
  const { url, store, dataDir, apiTokens } = await startFilled();
  expect((await store.info()).samples).toBe(3_600);
  const to = join(makeFolder(), "backup");
  const backup = (role: "admin" | "operator") =>
    runCli(["backup", to, "--url", url], {
      env: { WATTBOARD_TOKEN: (apiTokens.add(role, role, null) as { token: string }).token },
    });
  expect(await backup("operator")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("Needed here: admin."),
  });
  expect(existsSync(to)).toBe(false);
  expect(await backup("admin")).toMatchObject({ code: 0, stderr: "" });
  const manifest = JSON.parse(readFileSync(join(to, "manifest.json"), "utf8"));
  expect(manifest).toMatchObject({
    format: 1,
    store: { samples: 3_600 },
    files: ["access.db", "alarms.db", "audit.db", "commands.db", "store.db"].map((name) => ({ name })),
  });
  const folder = join(makeFolder(), "restored");
  await run("restore", to, "--data-dir", folder);
  expect(await exportAll(folder)).toBe(await exportAll(dataDir));
});

describe("a restore", () => {
  async function makeBackup(): Promise<string> {
    const { dataDir } = await startFilled();
    const to = join(makeFolder(), "backup");
    await run("backup", to, "--data-dir", dataDir);
    return to;
  }

  test("refuses a folder that a server uses, even when it is forced", async () => {
    const from = await makeBackup();
    const { dataDir, url } = await startServe();
    for (const args of [[], ["--force"]]) {
      const { code, stderr } = await runCli(["restore", from, "--data-dir", dataDir, ...args]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/not empty|in use by another Wattboard/);
    }
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test("refuses a folder that is not empty; forced, it moves what was there aside", async () => {
    const from = await makeBackup();
    const folder = makeFolder();
    await runJson(["device", "add", "--create-folder", "older", "--data-dir", folder]);
    writeFileSync(join(folder, "notes.txt"), "mine");
    expect(await runCli(["restore", from, "--data-dir", folder])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--force"),
    });
    const said = await run("restore", from, "--data-dir", folder, "--force");
    const [, aside = ""] = /lies in (\S+) now/.exec(said) ?? [];
    expect(readFileSync(join(aside, "notes.txt"), "utf8")).toBe("mine");
    const ids = async (dataDir: string) =>
      (await runJson<{ device_id: string }[]>(["device", "list", "--data-dir", dataDir])).map((each) => each.device_id);
    expect(await ids(folder)).toEqual(["ems_001"]);
    expect(await ids(aside)).toEqual(["older"]);
  });

  test("of a backup that is damaged, cut off, incomplete or none restores nothing, and says what is wrong", async () => {
    const from = await makeBackup();
    const store = join(from, "store.db");
    const manifest = join(from, "manifest.json");
    const good = { store: readFileSync(store), manifest: readFileSync(manifest) };
    const folder = join(makeFolder(), "restored");
    const flipped = Buffer.from(good.store);
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] as number) ^ 1;
    for (const [damage, expected] of [
      [() => writeFileSync(store, flipped), "checksum"],
      [() => truncateSync(store, 1_000), "1000 bytes"],
      [() => writeFileSync(manifest, "{}"), "manifest.json"],
      [() => writeFileSync(manifest, good.manifest.toString().replace("store.db", "../../x")), "manifest.json"],
      [() => truncateSync(manifest, 10), "manifest.json"],
    ] as const) {
      damage();
      expect(await runCli(["restore", from, "--data-dir", folder])).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringContaining(expected),
      });
      expect(existsSync(folder)).toBe(false);
      writeFileSync(store, good.store);
      writeFileSync(manifest, good.manifest);
    }
    const tar = join(makeFolder(), "not.tar");
    writeFileSync(tar, "this is no archive");
    expect(await runCli(["restore", tar, "--data-dir", folder])).toMatchObject({ code: 1, stdout: "" });
    expect(await runCli(["restore", join(from, "no"), "--data-dir", folder])).toMatchObject({ code: 2, stdout: "" });
    await run("restore", from, "--data-dir", folder);
  });
});

test("a backup's files are reached by their names alone, and go when their time is over", async () => {
  const clock = new ManualClock();
  const server = await startServer({ clock });
  const { token } = server.apiTokens.add("script", "admin", null) as { token: string };
  const ask = (method: string, path: string) =>
    fetch(`${server.url}/api/v1/backups${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  const lines = (await (await ask("POST", "")).text()).trimEnd().split("\n");
  const made = JSON.parse(lines.at(-1) ?? "") as { backup_id: string; manifest: { files: { name: string }[] } };
  expect((await ask("POST", "")).status).toBe(429);
  for (const name of [
    "..%2F..%2Faccess.db",
    "..%2faccess.db",
    "manifest.json",
    ".",
    "store.db%00",
    "%2Fetc%2Fpasswd",
  ]) {
    expect([name, (await ask("GET", `/${made.backup_id}/${name}`)).status]).toEqual([name, 404]);
  }
  for (const id of ["..", "x", `..%2Fbackup-${made.backup_id}`]) {
    expect([id, (await ask("GET", `/${id}/access.db`)).status]).toEqual([id, 404]);
    expect([id, (await ask("DELETE", `/${id}`)).status]).toEqual([id, 404]);
  }
  const good = await ask("GET", `/${made.backup_id}/access.db`);
  expect((await good.text()).slice(0, 15)).toBe("SQLite format 3");
  const copies = () => readdirSync(join(server.dataDir, "tmp"));
  expect(copies()).toHaveLength(1);
  await eventually(() => {
    clock.advance(60_000);
    expect(copies()).toEqual([]);
  });
  expect((await ask("GET", `/${made.backup_id}/access.db`)).status).toBe(404);
});

test("a backup never writes over anything", async () => {
  const { dataDir } = await startFilled();
  const to = makeFolder();
  expect(await runCli(["backup", to, "--data-dir", dataDir])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is there already"),
  });
});

describe("in the data folder", () => {
  test.each([
    ["a folder", (data: string) => join(data, "backup-monday")],
    ["a file, further down", (data: string) => join(data, "new", "backups", "monday.tar")],
    ["a place that a link leads to", (data: string) => join(linkTo(data), "backup-monday")],
    ["a place that the parent of a link's end is", (data: string) => `${linkTo(join(data, "tmp"))}/../backup-monday`],
    ["a place named by a detour", (data: string) => `${data}/../${basename(data)}/backup-monday`],
  ])("no backup is put: %s", async (_what, placeIn) => {
    const { dataDir, url, apiTokens } = await startFilled();
    mkdirSync(join(dataDir, "tmp"), { recursive: true });
    const names = readdirSync(dataDir);
    const to = placeIn(dataDir);
    const { token } = apiTokens.add("script", "admin", null) as { token: string };
    for (const [args, env] of [
      [["--data-dir", dataDir], {}],
      [["--url", url], { WATTBOARD_TOKEN: token }],
    ] as const) {
      expect(await runCli(["backup", to, ...args], { env })).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining("lies in the data folder"),
      });
    }
    expect(readdirSync(dataDir)).toEqual(names);
  });

  test("a start removes the copies that a killed server left, and nothing that merely is called alike", async () => {
    const server = await startFilled();
    const ours = (name: string) => join(server.dataDir, name);
    await server.stop();
    mkdirSync(ours("tmp/backup-0b8d6c1e-5c5b-4a6f-9d0e-2f1a3b4c5d6e"), { recursive: true });
    const others = [
      "backup-monday",
      "backup-tuesday.tar",
      "backup-0b8d6c1e-5c5b-4a6f-9d0e-2f1a3b4c5d6e",
      "tmp/backup-monday",
      "tmp/mine",
    ];
    for (const name of others) writeFileSync(ours(name), "mine");
    await startServer({ dataDir: server.dataDir });
    expect(readdirSync(ours("tmp"))).toEqual(["backup-monday", "mine"]);
    for (const name of others) expect([name, readFileSync(ours(name), "utf8")]).toEqual([name, "mine"]);
  });
});

test.each(["SIGKILL", "SIGTERM"] as const)(
  "a backup that is ended by %s leaves nothing beside its target",
  async (signal) => {
    const server = await startFilled();
    await server.stop();
    const folder = makeFolder();
    const backup = new CliProcess(["backup", join(folder, "board.tar"), "--data-dir", server.dataDir]);
    // As soon as there is something to leave behind.
    await eventually(() =>
      expect(readdirSync(folder, { recursive: true })).toContainEqual(expect.stringMatching(/db$/)),
    );
    backup.signal(signal);
    expect(await backup.exit()).toMatchObject({ code: null });
    await eventually(() => expect(readdirSync(folder)).toEqual([]));
  },
);

describe("the store", () => {
  test("says what it holds, to people and to scripts", async () => {
    const { dataDir, store } = await startFilled();
    await storePast(store, secondBySecond("ems_001", startMs + 2 * 3_600_000, 10));
    const info = await runJson<Record<string, unknown>>(["store", "info", "--data-dir", dataDir]);
    expect(info).toMatchObject({
      devices: 1,
      samples: 3_610,
      from: "2026-01-31T00:00:00.000Z",
      to: "2026-01-31T02:00:09.000Z",
      gaps: { count: 1, ms: 3_601_000 },
      retention_ms: 0,
    });
    expect(info.bytes_per_sample).toBe(Math.round(((info.bytes as number) / 3_610) * 100) / 100);
    const table = await run("store", "info", "--data-dir", dataDir);
    expect(table).toMatch(/^Samples +3,610$/m);
    expect(table).toMatch(/^Gaps +1 longer than 15 minutes, 1.0 h together$/m);
  });

  test("is verified: bits that flip in a copy are found and named, with exit code 1, and the rest is exported", async () => {
    const server = await startFilled();
    await server.stop();
    const target = ["--data-dir", server.dataDir];
    expect(await run("store", "verify", ...target)).toBe("All is well: everything that is kept can be read.\n");
    // One part's samples are damaged, and nothing of the file around them.
    const database = new DatabaseSync(join(server.dataDir, "store.db"));
    const row = database.prepare("SELECT id, window, body FROM part ORDER BY id LIMIT 1").get() as {
      id: number;
      window: number;
      body: Uint8Array;
    };
    row.body[row.body.length - 8] = (row.body[row.body.length - 8] as number) ^ 0x55;
    database.prepare("UPDATE part SET body = ? WHERE id = ?").run(row.body, row.id);
    database.close();
    const { code, stdout, stderr } = await runCli(["store", "verify", ...target]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("ems_001 at 2026-01-31T00:")]);
    expect(stderr).toContain("1 place is damaged");
    expect(stderr).toContain("wattboard restore");
    const json = await runCli(["store", "verify", "--json", ...target]);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      1,
      { faults: [expect.stringContaining("ems_001")], unchecked: 0 },
    ]);
    // A server that runs on it says the same, and tells people.
    const running = await startServer({ dataDir: server.dataDir });
    const own = ["--data-dir", running.dataDir];
    expect(await runCli(["store", "verify", ...own])).toMatchObject({ code: 1, stdout });
    const told = (await events(running)).filter(({ kind }) => kind === "store_damaged");
    expect(told).toMatchObject([{ device_id: "ems_001", message: expect.stringContaining("store verify") }]);
    expect(await metric(running, "wattboard_store_damages_total")).toBe(1);
    // Nothing is dropped unasked; then it is, is listed, and all is well.
    const unasked = await runCli(["store", "repair", ...own]);
    expect([unasked.code, unasked.stdout]).toEqual([1, stdout]);
    expect(unasked.stderr).toContain("Nothing was changed");
    const repaired = JSON.parse(await run("store", "repair", "--yes", "--json", ...own)) as { repaired: string[] };
    expect(repaired.repaired).toEqual([expect.stringMatching(/ems_001 at 2026-01-31T00:.*; dropped$/)]);
    expect(await run("store", "verify", ...own)).toContain("All is well");
    expect(await run("audit", "export", "--format", "ndjson", ...own)).toContain("store.repair");
  });

  test("is exported past what is damaged, and the export says at its end what it lacks, over the API too", async () => {
    const server = await startFilled();
    await server.store.compactAll();
    await server.stop();
    const database = new DatabaseSync(join(server.dataDir, "store.db"));
    const blocks = Number(database.prepare("SELECT count(*) AS blocks FROM block").get()?.blocks);
    expect(blocks).toBeGreaterThan(2);
    const { id, body } = database
      .prepare("SELECT id, body FROM block WHERE device_no = 1 ORDER BY window LIMIT 1")
      .get() as {
      id: number;
      body: Uint8Array;
    };
    body[body.length >> 1] = (body[body.length >> 1] as number) ^ 1;
    database.prepare("UPDATE block SET body = ? WHERE id = ?").run(body, id);
    const { samples } = database.prepare("SELECT samples FROM block WHERE id = ?").get(id) as { samples: number };
    database.close();
    const whole = 3_600;
    const target = ["--data-dir", server.dataDir];
    const offline = await runCli(["export", "--all", ...target]);
    expect([offline.code, offline.stdout.trim().split("\n").length - 1]).toEqual([1, whole - samples]);
    expect(offline.stderr).toMatch(/The block of ems_001 at 2026-01-31T.*checksum/);
    const running = await startServer({ dataDir: server.dataDir });
    const online = await runCli(["export", "--all", "--data-dir", running.dataDir]);
    expect([online.code, online.stdout]).toEqual([1, offline.stdout]);
    expect(online.stderr).toMatch(/The block of ems_001 at 2026-01-31T.*checksum/);
  });
});
