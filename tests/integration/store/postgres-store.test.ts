import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Clock, loadConfig, startSwitchboard, systemClock } from "wattboard";
import type { Failure } from "../../../packages/server/dist/base/failure.js";
import { PostgresStore } from "../../../packages/server/dist/store/postgres/postgres-store.js";
import { firstRegistration } from "../../../packages/server/dist/store/registration.js";
import { readiness } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { needs } from "../../support/needs.ts";
import { type PostgresServer, password, postgresPrograms, startPostgres } from "../../support/postgres.ts";
import { makeFolder, runCli, runJson } from "../../support/run-cli.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { openDashboard, openDevice } from "../../support/sockets.ts";
import { temporaryFolder } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const start = Date.UTC(2026, 2, 28);
const second = 1_000;
const waitingQuestions =
  "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'wattboard' AND wait_event_type = 'Lock'";
const hour = 3_600_000;
const day = 24 * hour;

needs("PostgreSQL 15 or newer", postgresPrograms !== undefined)("the store on PostgreSQL", () => {
  let server: PostgresServer;
  let databases = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  async function emptyDatabase(): Promise<{ name: string; url: string }> {
    const name = `db_${++databases}`;
    return { name, url: await server.createDatabase(name) };
  }

  async function openStore(
    url: string,
    { retentionMs = 0, clock = systemClock as Clock } = {},
  ): Promise<PostgresStore> {
    const store = await PostgresStore.open({ url, retentionMs, clock });
    onTestFinished(async () => await store.close());
    return store;
  }

  const failureOf = async (opened: Promise<unknown>): Promise<Failure> => {
    const failure = await opened.then(
      () => expect.unreachable("It should have failed."),
      (error: Failure) => error,
    );
    // Nothing that is logged of it may hold the password, in whatever form.
    const told = `${failure.message} ${failure.stack} ${JSON.stringify(failure)} ${String(failure.cause)}`;
    for (const secret of [password, encodeURIComponent(password)]) expect(told).not.toContain(secret);
    return failure;
  };

  test("is looked after by the command line: import, export, info, verify; a backup says what to do for the samples", async () => {
    const { url } = await emptyDatabase();
    const folder = makeFolder();
    const target = ["--data-dir", join(folder, "data"), "--store", url];
    await runJson(["device", "add", "--create-folder", "ems_001", "--data-dir", join(folder, "data")]);
    const csv = `device_id,observed_at,received_at,system_status.state,battery.soc
ems_001,2026-01-31T12:00:00.000Z,2026-01-31T12:00:00.020Z,IDLE,85
ems_001,2026-01-31T12:00:01.000Z,2026-01-31T12:00:01.020Z,,0.1
`;
    const file = join(folder, "past.csv");
    writeFileSync(file, csv);
    expect(await runJson(["import", file, ...target])).toMatchObject({ stored: 2, known: 0, bad: 0 });
    expect(await runJson(["import", file, ...target])).toMatchObject({ stored: 0, known: 2, bad: 0 });
    expect(await runCli(["export", "--all", ...target])).toEqual({ code: 0, stdout: csv, stderr: "" });
    expect(await runJson(["store", "info", ...target])).toMatchObject({ devices: 1, samples: 2 });
    expect(await runJson(["store", "verify", ...target])).toEqual({ faults: [], unchecked: 0 });
    const to = join(folder, "backup");
    const made = await runCli(["backup", to, ...target]);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining("pg_dump --schema=wattboard") });
    expect(readdirSync(to).sort()).toEqual(["access.db", "alarms.db", "audit.db", "commands.db", "manifest.json"]);
    const restored = await runCli(["restore", to, "--data-dir", join(folder, "restored")]);
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining("pg_dump") });
    expect(`${made.stdout}${restored.stdout}`).not.toContain(password);
  });

  test("says what it is, and what is off without TimescaleDB", async () => {
    const store = await openStore((await emptyDatabase()).url);
    expect(store.description).toMatch(
      /^PostgreSQL \d+\.\d+.* without TimescaleDB: no compression, no continuous aggregates, retention by deleting rows/,
    );
    expect(store.missing).toContain("no compression");
    expect(store.description).not.toContain("s3cret");
    // As `initdb` makes them up to PostgreSQL 17, and from 18 on with them.
    expect(store.hasChecksums).toBe(Number(/PostgreSQL (\d+)/.exec(store.description)?.[1]) >= 18);
    await expect(store.backup()).rejects.toMatchObject({
      code: "not_supported",
      message: expect.stringContaining("pg_dump"),
    });
  });

  test("is what a server takes that is told its address, and what it starts from again", async () => {
    const { url } = await emptyDatabase();
    const { config } = loadConfig({
      flags: {
        port: "0",
        data_dir: temporaryFolder(),
        "access.dashboards": "public",
        "log.level": "silent",
        "store.url": url,
      },
      env: {},
      file: undefined,
    });
    const first = await startSwitchboard({ config });
    const added = first.devices.add({ deviceId: "ems_001" });
    if (isRefusal(added)) throw new Error(added.message);
    const device = await openDevice(first.url.replace("http", "ws"), "ems_001", added.token);
    const message = JSON.stringify(sampleOf("ems_001"));
    device.send(message);
    await eventually(async () =>
      expect(await (await fetch(`${first.url}/metrics`)).text()).toMatch(/^wattboard_stored_samples_total 1$/m),
    );
    await first.stop();
    const second = await startSwitchboard({ config });
    onTestFinished(async () => await second.stop());
    const dashboard = await openDashboard(second.url.replace("http", "ws"), "ems_001");
    expect(await dashboard.receive(1)).toEqual([message]);
  });

  test("says what to do where it cannot be opened, and never the password", async () => {
    const { url } = await emptyDatabase();
    const open = (address: string) => failureOf(PostgresStore.open({ url: address, retentionMs: 0 }));
    const wrongPassword = await open(url.replace(encodeURIComponent(password), "n0t-it"));
    expect(wrongPassword).toMatchObject({
      code: "store_failed",
      message: expect.stringContaining("Check user and password in store.url"),
    });
    expect(wrongPassword.message).not.toContain("n0t-it");
    expect(await open(url.replace(/db_\d+$/, "nowhere"))).toMatchObject({
      message: expect.stringContaining("createdb"),
    });
    expect(await open(url.replace(String(server.port), "1"))).toMatchObject({
      code: "store_away",
      message: expect.stringContaining("Check that it runs, and that host and port in store.url are right."),
    });
    for (const address of [
      `postgres//x:${password}`,
      `mysql://u:${encodeURIComponent(password)}@h/d`,
      "postgres://u:%zz@h/d",
      "",
    ]) {
      expect(await open(address)).toMatchObject({
        code: "invalid_config",
        message: expect.stringContaining("postgres://user:password@host"),
      });
    }
  });

  test("is refused where the schema is newer than the program, and left as it is", async () => {
    const { name, url } = await emptyDatabase();
    const store = await PostgresStore.open({ url, retentionMs: 0 });
    await store.close();
    await server.query(name, "UPDATE wattboard.schema_version SET version = 99");
    const failure = await failureOf(PostgresStore.open({ url, retentionMs: 0 }));
    expect(failure).toMatchObject({
      code: "store_failed",
      message: expect.stringContaining("newer Wattboard (schema 99"),
    });
    expect(await server.query(name, "SELECT version FROM wattboard.schema_version")).toEqual([{ version: 99 }]);
  });

  test("may be opened by several at once, which make the schema together", async () => {
    const { url } = await emptyDatabase();
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(url)));
    for (const store of stores) expect((await store.info()).samples).toBe(0);
  });

  test("has one that writes, until it is closed; the others read", async () => {
    const { url } = await emptyDatabase();
    const writer = await PostgresStore.open({ url, retentionMs: 0 });
    const others = await Promise.all(Array.from({ length: 3 }, () => openStore(url)));
    await writer.claim();
    const batch = batchOf(
      Array.from({ length: 100 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: i } })),
    );
    for (const other of others) expect((await failureOf(other.append([batch]))).code).toBe("store_in_use");
    await writer.append([batch]);
    for (const store of [writer, ...others]) expect((await store.info()).samples).toBe(100);
    await writer.close();
    await eventually(() => others[0]?.append([batch]));
  });

  test("a second server on the same database is refused at its start, and the first goes on", async () => {
    const { url } = await emptyDatabase();
    const start = async () => {
      const flags = { data_dir: temporaryFolder(), port: "0", "store.url": url, "log.level": "silent" };
      const { config } = loadConfig({ flags, env: {}, file: undefined });
      const started = await startSwitchboard({ config });
      onTestFinished(() => started.stop());
      return started;
    };
    const first = await start();
    const failure = await failureOf(start());
    expect(failure).toMatchObject({ code: "store_in_use", message: expect.stringContaining("Stop that one") });
    expect(await readiness(first)).toMatchObject({ status: "ready" });
  });

  test("keeps summaries right while one server adds late samples and another one summarizes", async () => {
    const { url } = await emptyDatabase();
    const clock = new ManualClock(start + day);
    const [adding, summarizing] = await Promise.all([openStore(url, { clock }), openStore(url, { clock })]);
    const sent = Array.from({ length: 1_800 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: 1_000 } }));
    for (let round = 0; round < 30; round++) {
      const late = sent.filter((_, i) => i % 30 === round);
      await Promise.all([adding.append([batchOf(late)]), summarizing.upkeep()]);
    }
    await summarizing.upkeep();
    expect(await adding.verify(() => {})).toEqual({ faults: [], unchecked: 0 });
    const range = { registration: firstRegistration("ems_001"), fromMs: start, toMs: start + 2 * 900 * second };
    const { samples } = await adding.history({ ...range, bucketMs: 900 * second, points: [] });
    expect(samples).toEqual([900, 900]);
    const { spans } = await adding.energy({
      registration: firstRegistration("ems_001"),
      edgesMs: [range.fromMs, range.toMs],
    });
    expect(spans[0]?.energy.imported).toBeCloseTo((1_799 * 1_000) / 3_600, 3);
  });

  test("strikes out, and has back, what is just being added as well", async () => {
    const { name, url } = await emptyDatabase();
    const store = await openStore(url);
    const own = firstRegistration("ems_001");
    const sent = (from: number) =>
      batchOf(
        Array.from({ length: 10 }, (_, i) => sampleAt(start + (from + i) * second, from + i, { grid: { power: 5 } })),
      );
    const known = async () => {
      const range = { registration: own, fromMs: start, toMs: start + hour };
      const samples = await store.samples({ ...range, take: "first", limit: 100 });
      return samples.filter(({ points }) => points["grid.power"] !== null).length;
    };
    await store.append([sent(0)]);
    // Holds an append up when its samples are in the table and struck out, and not committed.
    const held = async (work: () => Promise<unknown>, batch: Uint8Array): Promise<void> => {
      const holder = await server.connect(name);
      onTestFinished(() => holder.end());
      await holder.query("BEGIN; LOCK TABLE wattboard.latest IN EXCLUSIVE MODE");
      const waiting = async (count: number) =>
        eventually(async () => expect(await server.query(name, waitingQuestions)).toHaveLength(count));
      const appending = store.append([batch]);
      await waiting(1);
      const working = work();
      await waiting(2);
      await holder.query("COMMIT");
      await Promise.all([appending, working]);
    };
    let number = 0;
    await held(async () => {
      const made = { fromMs: start, toMs: start + hour, points: ["grid.power"], atMs: start, by: "somebody" };
      ({ number } = await store.strike(own, made));
    }, sent(10));
    expect(await known()).toBe(0);
    await held(() => store.unstrike(own, number), sent(20));
    expect(await known()).toBe(30);
  });

  test("names what is damaged when it is verified", async () => {
    const { name, url } = await emptyDatabase();
    const clock = new ManualClock(start + day);
    const store = await openStore(url, { clock });
    const sent = Array.from({ length: 1_000 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: i } }));
    await store.append([batchOf(sent)]);
    await store.upkeep();
    expect(await store.verify(() => {})).toEqual({ faults: [], unchecked: 0 });
    await server.query(name, "DELETE FROM wattboard.sample WHERE seq = 17");
    await server.query(name, "UPDATE wattboard.sample SET grid_power = 5000 WHERE seq = 950");
    expect((await store.verify(() => {})).faults).toEqual([
      "Device ems_001, 15 minutes from 2026-03-28T00:00:00.000Z: 899 samples are there, the summary was made of 900.",
      "Device ems_001, 15 minutes from 2026-03-28T00:15:00.000Z: the summary's energy is not that of its samples.",
    ]);
    await server.query(name, "DELETE FROM wattboard.window_summary");
    expect((await store.verify(() => {})).faults).toEqual([
      expect.stringContaining("899 samples have no summary"),
      expect.stringContaining("100 samples have no summary"),
    ]);
  });

  test("deletes samples that are older than the retention, nothing else, and keeps what long charts need of them", async () => {
    const { url } = await emptyDatabase();
    const clock = new ManualClock(start + 3 * day);
    const store = await openStore(url, { clock, retentionMs: 2 * day });
    const sent = Array.from({ length: 72 }, (_, i) => sampleAt(start + i * hour, i, { grid: { power: i } }));
    await store.append([batchOf(sent)]);
    const range = { registration: firstRegistration("ems_001"), fromMs: start, toMs: start + 4 * day };
    const chart = { ...range, bucketMs: day, points: ["grid.power"] };
    const before = await store.history(chart);
    await store.upkeep();
    const left = await store.samples({ ...range, take: "first", limit: 1_000 });
    expect(left.map(({ seq }) => seq)).toEqual(sent.slice(24).map(({ seq }) => seq));
    // One that comes when its window's samples are gone already goes too, and spoils nothing.
    await store.append([batchOf([sampleAt(start + hour + second, 500, { grid: { power: 99 } })])]);
    await store.upkeep();
    expect(await store.history(chart)).toEqual(before);
    expect(await store.info()).toMatchObject({ samples: 48, retentionMs: 2 * day });
    expect(await store.verify(() => {})).toEqual({ faults: [], unchecked: 0 });
  });

  test("does its upkeep by itself, every minute", async () => {
    const { name, url } = await emptyDatabase();
    const clock = new ManualClock(start + hour);
    const store = await openStore(url, { clock });
    await store.append([
      batchOf([sampleAt(start, 0, { grid: { power: 1 } }), sampleAt(start + hour, 1, { grid: { power: 1 } })]),
    ]);
    clock.advance(60_000);
    await eventually(async () => {
      const windows = await server.query(name, "SELECT window_start FROM wattboard.window_summary");
      // The window that is not over yet is not summarized.
      expect(windows).toEqual([{ window_start: new Date(start) }]);
    });
  });

  test("one device's absurd numbers do not stop the questions about all", async () => {
    const { url } = await emptyDatabase();
    const clock = new ManualClock(start + day);
    const store = await openStore(url, { clock });
    const absurd = [0, 1, 2].map((i) =>
      sampleAt(start + i * second, i, { grid: { power: 1.7e308 }, own: { x: -1.7e308 } }),
    );
    const sound = [0, 1, 2].map((i) =>
      sampleAt(start + i * second, i, { grid: { power: 10 }, own: { x: 1 } }, { deviceId: "sound" }),
    );
    await store.append([batchOf([...absurd, ...sound])]);
    const range = { fromMs: start, toMs: start + 900 * second };
    for (const _ of ["fresh", "kept"]) {
      for (const point of ["grid.power", "own.x"]) {
        for (const bucketMs of [60 * second, 900 * second]) {
          const { sum } = await store.fleetTotals({
            ...range,
            registrations: ["ems_001", "sound"].map(firstRegistration),
            point,
            bucketMs,
          });
          expect(sum[0]).toBe(point === "own.x" ? 1 : 10);
          const { points } = await store.history({
            ...range,
            registration: firstRegistration("ems_001"),
            points: [point],
            bucketMs,
          });
          expect(Math.abs(points[point]?.max[0] as number)).toBe(1.7e308);
        }
      }
      await store.energy({ registration: firstRegistration("ems_001"), edgesMs: [range.fromMs, range.toMs] });
      await store.upkeep();
    }
  });

  test("a question that is aborted ends in the database too", async () => {
    const { name, url } = await emptyDatabase();
    const store = await openStore(url);
    const holder = await server.connect(name);
    onTestFinished(async () => await holder.end());
    await holder.query("BEGIN; LOCK TABLE wattboard.sample IN ACCESS EXCLUSIVE MODE");
    const waiting = async () => (await server.query(name, waitingQuestions)).length;
    const controller = new AbortController();
    const range = { registration: firstRegistration("ems_001"), fromMs: 0, toMs: start, signal: controller.signal };
    const asked = store.samples({ ...range, take: "first", limit: 10 });
    await eventually(async () => expect(await waiting()).toBe(1));
    const reason = new Error("the viewer has left");
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await eventually(async () => expect(await waiting()).toBe(0));
  });

  test("takes so many questions at once and no more; samples do not wait behind them", async () => {
    const { name, url } = await emptyDatabase();
    const store = await openStore(url);
    const holder = await server.connect(name);
    onTestFinished(async () => await holder.end());
    await holder.query("BEGIN; LOCK TABLE wattboard.event IN ACCESS EXCLUSIVE MODE");
    const asked = Array.from({ length: 8 + 64 }, () => store.events({ limit: 1 }));
    await eventually(async () => {
      expect(await server.query(name, waitingQuestions)).toHaveLength(8);
    });
    await expect(store.events({ limit: 1 })).rejects.toMatchObject({ code: "store_busy" });
    await store.append([batchOf([sampleAt(start, 0, { grid: { power: 1 } })])]);
    await holder.query("COMMIT");
    for (const answer of await Promise.all(asked)) expect(answer).toEqual([]);
  });
});
