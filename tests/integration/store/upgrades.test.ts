import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadConfig, type Switchboard, startSwitchboard } from "wattboard";
import { dataFiles, openDataFolder } from "../../../packages/server/dist/app/data-folder.js";
import { upgrade } from "../../../packages/server/dist/base/upgrade.js";
import { version } from "../../../packages/server/dist/base/version.js";
import { readiness, storedSamples } from "../../support/api.ts";
import { fill, mountDisk, unmountDisk } from "../../support/disk.ts";
import { makeFolder, runCli } from "../../support/run-cli.ts";
import { temporaryFolder } from "../../support/start-server.ts";

const fixtures = new URL("../../fixtures/schemas/", import.meta.url);
const dayMs = 86_400_000;

/** Puts a database into the folder as an older version has left it. */
function putFrozen(folder: string, fixture: string): void {
  const database = new DatabaseSync(join(folder, `${fixture.split("-")[0]}.db`));
  database.exec(
    `PRAGMA journal_mode = WAL; BEGIN; ${readFileSync(new URL(`${fixture}.sql`, fixtures), "utf8")} COMMIT`,
  );
  database.close();
}

function folderOf(...fixtureNames: string[]): string {
  const folder = temporaryFolder();
  for (const name of fixtureNames) putFrozen(folder, name);
  return folder;
}

async function start(folder: string): Promise<Switchboard> {
  const { config } = loadConfig({
    flags: { port: "0", data_dir: folder, "access.dashboards": "public", "log.level": "silent" },
    env: {},
    file: undefined,
  });
  const server = await startSwitchboard({ config });
  onTestFinished(() => server.stop());
  return server;
}

function schemaOf(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const found = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  database.close();
  return found;
}

/** How many steps the newest schema of a database has. */
function stepsOf(name: string): number {
  return dataFiles.find((file) => file.name === name)?.schema.steps.length ?? 0;
}

/** What stands in each of the folder's databases, whatever the pages. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".db"));
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}

describe("a database of every schema there has been", () => {
  const frozen = readdirSync(fixtures).map((name) => name.replace(".sql", ""));

  test("is among the frozen ones", () => {
    for (const { name, schema } of dataFiles) {
      const kind = name.replace(".db", "");
      for (let number = 1; number <= schema.steps.length; number++) expect(frozen).toContain(`${kind}-${number}`);
    }
  });

  test.each(frozen)("opens, and what it held is there: %s", async (fixture) => {
    const folder = folderOf(fixture);
    const server = await start(folder);
    if (fixture.startsWith("access")) {
      expect(server.devices.find("ems_001")).toMatchObject({ name: "Cellar", properties: { country: "SE" } });
      expect(server.devices.find("ems_001")?.token?.hash).toHaveLength(32);
      expect(server.apiTokens.list().map(({ name }) => name)).toEqual(["script"]);
    } else if (fixture.startsWith("audit")) {
      expect(server.audit.list({}, 10)).toMatchObject([{ seq: 1, who: "person ann", action: "device.add" }]);
      expect(await server.audit.verify()).toMatchObject({ fault: null, rows: 1 });
    } else if (fixture.startsWith("alarms")) {
      expect(server.alarms.rules.find("rul_1")).toMatchObject({ name: "Battery is nearly empty", forMs: 30_000 });
      const ended = await (await fetch(`${server.url}/api/v1/alarms/alm_1`)).json();
      expect(ended).toMatchObject({ state: "cleared", devices: [{ device_id: "ems_001" }] });
    } else if (fixture.startsWith("store")) {
      server.devices.add({ deviceId: "ems_001", keepHistory: true });
      const stored = await storedSamples(server, "ems_001", "from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z");
      expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual([100, 101]);
    }
    await server.stop();
    for (const { name, schema } of dataFiles) {
      expect([name, schemaOf(join(folder, name))]).toEqual([name, schema.steps.length]);
    }
    if (fixture.startsWith("commands")) {
      const database = new DatabaseSync(join(folder, "commands.db"));
      expect(database.prepare("SELECT * FROM command").all()).toMatchObject([{ device_id: "ems_001" }]);
      database.close();
    }
  });

  test("has had exactly the steps that have landed: none is edited afterwards", () => {
    const hashes = dataFiles.map(({ name, schema }) => [
      name,
      schema.steps.map((sql) =>
        createHash("sha256")
          .update(
            sql
              .replaceAll(/--[^\n]*/g, "")
              .replaceAll(/\s+/g, " ")
              .trim(),
          )
          .digest("hex")
          .slice(0, 16),
      ),
    ]);
    // A new step is a new line here. One of these that differs: take the edit back, and make it a new step.
    expect(Object.fromEntries(hashes)).toEqual({
      "access.db": [
        "3f1472df6648dae5",
        "e8dc805bef6ec23f",
        "5bc392d19bf32e4b",
        "345a8c1d7923b1c0",
        "8e40dec42a29092c",
        "a04124ae8dd8a575",
        "e4e5709869ba1cfd",
      ],
      "audit.db": ["debce26bcb71e603"],
      "commands.db": ["47830ed198bc115e"],
      "alarms.db": ["127b41a1826d3af0"],
      "store.db": [
        "aa2cc7a4c191e7ba",
        "f262ee322eb81bae",
        "3bad28c2e401cdfa",
        "4c32158be930a034",
        "c62d0a8e96ddac8e",
        "db131e0fa3ffdcad",
        "b40bf488b241332c",
      ],
    });
  });
});

describe("an upgrade", () => {
  const oldest = ["access-1", "audit-1", "commands-1", "store-1-first"];

  test("sets aside what it changes, and says so", async () => {
    const folder = folderOf(...oldest);
    const told: string[] = [];
    openDataFolder(folder, { tell: (what) => told.push(what) }).close();
    const copies = join(folder, "before-upgrade");
    expect(readdirSync(copies).sort()).toEqual(["access.db", "store.db", "upgrade.json"]);
    expect([schemaOf(join(copies, "access.db")), schemaOf(join(copies, "store.db"))]).toEqual([1, 1]);
    expect(JSON.parse(readFileSync(join(copies, "upgrade.json"), "utf8"))).toMatchObject({
      to: version,
      finished: true,
      files: { "access.db": 1, "store.db": 1 },
    });
    expect(statSync(copies).mode & 0o077).toBe(0);
    for (const name of readdirSync(copies))
      expect([name, statSync(join(copies, name)).mode & 0o077]).toEqual([name, 0]);
    expect(told).toEqual([expect.stringContaining("set aside"), expect.stringContaining("access.db from schema 1 to")]);
    // Back to the version before: the copies in place of what was changed.
    for (const name of ["access.db", "store.db"]) copyFileSync(join(copies, name), join(folder, name));
    expect([schemaOf(join(folder, "access.db")), schemaOf(join(folder, "store.db"))]).toEqual([1, 1]);
  });

  test("changes nothing where one file is newer, and says which version to start", async () => {
    const folder = folderOf(...oldest);
    const database = new DatabaseSync(join(folder, "store.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    writeFileSync(join(folder, "version.json"), JSON.stringify({ version: "9.9.9+abc" }));
    const before = contentOf(folder);
    await expect(start(folder)).rejects.toMatchObject({
      code: "data_newer",
      message: expect.stringMatching(
        /store\.db was written by a newer .*schema 99.*Nothing was changed.*start 9\.9\.9\+abc/s,
      ),
    });
    expect(contentOf(folder)).toEqual(before);
    expect(existsSync(join(folder, "before-upgrade"))).toBe(false);
  });

  test("whose last step fails leaves all files as they were; what was set aside stays until it has gone well", () => {
    const folder = folderOf(...oldest);
    const attempt = (lastStep: string, nowMs = 0): void => {
      const database = new DatabaseSync(join(folder, "access.db"));
      try {
        upgrade({
          dataDir: folder,
          files: dataFiles.map((file) =>
            file.name === "store.db"
              ? { ...file, schema: { ...file.schema, steps: [...file.schema.steps, lastStep] } }
              : file,
          ),
          locked: { name: "access.db", database },
          nowMs,
          tell: () => {},
        });
      } finally {
        database.close();
      }
    };
    expect(() => attempt("CREATE TABLE x (y); INSERT INTO nowhere VALUES (1);")).toThrow(
      /store\.db cannot be brought up to date: no such table: nowhere.*Nothing was changed/s,
    );
    const schemas = () => ["access.db", "store.db"].map((name) => schemaOf(join(folder, name)));
    expect(schemas()).toEqual([1, 1]);
    attempt("CREATE TABLE x (y);");
    expect(schemas()).toEqual([stepsOf("access.db"), stepsOf("store.db") + 1]);
    const copies = join(folder, "before-upgrade");
    expect(schemaOf(join(copies, "store.db"))).toBe(1);
    // After a fortnight the copies go, and only they.
    attempt("CREATE TABLE x (y);", 13 * dayMs);
    expect(existsSync(copies)).toBe(true);
    attempt("CREATE TABLE x (y);", 15 * dayMs);
    expect(existsSync(copies)).toBe(false);
  });

  test("that finds no room changes nothing", () => {
    const disk = mountDisk("3m");
    if (disk === null) return console.warn("SKIPPED: an upgrade on a full disk (it needs the right to mount a tmpfs)");
    onTestFinished(() => unmountDisk(disk));
    for (const name of oldest) putFrozen(disk, name);
    const before = contentOf(disk);
    const makeRoom = fill(disk);
    expect(() => openDataFolder(disk)).toThrow(expect.objectContaining({ code: "disk_full" }));
    expect(contentOf(disk)).toEqual(before);
    makeRoom();
    openDataFolder(disk).close();
    expect(schemaOf(join(disk, "access.db"))).toBe(stepsOf("access.db"));
  });

  test("never removes what somebody else has put beside the copies", () => {
    const folder = folderOf("access-1");
    openDataFolder(folder).close();
    writeFileSync(join(folder, "before-upgrade", "notes.txt"), "mine");
    truncateSync(join(folder, "access.db"), 0);
    putFrozen(folder, "access-2");
    openDataFolder(folder).close();
    expect(schemaOf(join(folder, "before-upgrade", "access.db"))).toBe(2);
    const [moved = ""] = readdirSync(folder).filter((name) => name.startsWith("before-upgrade-"));
    expect(readFileSync(join(folder, moved, "notes.txt"), "utf8")).toBe("mine");
  });
});

describe("a damaged database", () => {
  const damages: Readonly<Record<string, (path: string) => void>> = {
    "is no database any more": (path) => writeFileSync(path, "this was a database".repeat(1_000)),
    "has lost its second half": (path) => truncateSync(path, Math.floor(statSync(path).size / 2 / 512) * 512),
    "has zeros in its midst": (path) => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0, 2_000, bytes.length - 100));
    },
  };
  const cases = dataFiles.flatMap(({ name }) => Object.keys(damages).map((how) => [name, how] as const));

  test.each(cases)("is named, with what to do, and nothing is changed: %s %s", async (name, how) => {
    const folder = folderOf("access-6", "audit-1", "commands-1", "alarms-1", "store-6");
    openDataFolder(folder).close();
    damages[how]?.(join(folder, name));
    const before = contentOf(folder);
    await expect(start(folder)).rejects.toMatchObject({
      name: "Failure",
      code: "data_damaged",
      message: expect.stringMatching(
        new RegExp(`${name} is damaged: .*wattboard restore BACKUP --data-dir ${folder} --force`, "s"),
      ),
    });
    expect(contentOf(folder)).toEqual(before);
  });

  test("is told also where the damage is in what a row says", async () => {
    const folder = folderOf("access-4");
    const database = new DatabaseSync(join(folder, "access.db"));
    database.exec("UPDATE device SET properties = '{\"country\":'");
    database.close();
    await expect(start(folder)).rejects.toMatchObject({
      code: "data_damaged",
      message: expect.stringContaining("access.db is damaged"),
    });
  });

  test("ends the command with 1 and no stack, and a restore brings back what was", async () => {
    const folder = folderOf("access-6", "audit-1", "commands-1", "alarms-1", "store-6");
    const backup = join(makeFolder(), "backup");
    expect(await runCli(["backup", backup, "--data-dir", folder])).toMatchObject({ code: 0 });
    writeFileSync(join(folder, "access.db"), "gone");
    for (const args of [
      ["serve", "--port=0"],
      ["device", "list"],
      ["export", "--all"],
    ]) {
      const { code, stderr } = await runCli([...args, "--data-dir", folder]);
      expect([args, code]).toEqual([args, 1]);
      expect(stderr).toContain(`${join(folder, "access.db")} is damaged`);
      expect(stderr).not.toMatch(/^ +at /m);
    }
    expect(await runCli(["restore", backup, "--data-dir", folder, "--force"])).toMatchObject({ code: 0 });
    const { stdout } = await runCli(["device", "list", "--data-dir", folder]);
    expect(stdout).toContain("ems_001");
  });
});

test("all that is in the data folder is its owner's alone, also what was there before", async () => {
  const folder = folderOf(...dataFiles.map(({ name }) => `${name.replace(".db", "")}-${stepsOf(name)}`));
  const before = [...readdirSync(folder), "general.log", "audit-000000000001.ndjson.gz", "store.db-wal"];
  for (const name of before) {
    writeFileSync(join(folder, name), "", { flag: "a" });
    chmodSync(join(folder, name), 0o644);
  }
  writeFileSync(join(folder, "mine.txt"), "mine");
  chmodSync(join(folder, "mine.txt"), 0o644);
  mkdirSync(join(folder, "tmp"));
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  const server = await start(folder);
  expect((await readiness(server)).status).toBe("ready");
  for (const name of readdirSync(folder)) {
    const { mode } = statSync(join(folder, name));
    if (name !== "tmp") expect([name, mode & 0o777]).toEqual([name, name === "mine.txt" ? 0o644 : 0o600]);
  }
});
