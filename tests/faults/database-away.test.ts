import { isRefusal } from "@wattboard/protocol";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { loadConfig, startSwitchboard, systemClock } from "wattboard";
import { DeviceState } from "../../packages/server/dist/devices/device-state.js";
import { PostgresStore } from "../../packages/server/dist/store/postgres/postgres-store.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { StoreQueue } from "../../packages/server/dist/telemetry/store-queue.js";
import { deviceDetail, events, metric, readiness, storedSamples } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { type PostgresServer, password, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { batchOf, sampleAt } from "../support/samples.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { temporaryFolder } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const queueBytesMax = 400_000;

/**
 * A real journal over a real store over a real PostgreSQL, which is stopped, crashed and started again while samples come. Each sample that
 * the journal took is noted; in the end each of them must be in the database once.
 */
needs("PostgreSQL 15 or newer", postgresPrograms !== undefined)("while the database is away", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  test.each(["immediate", "fast"] as const)(
    "(%s stop) nothing acknowledged is lost, nothing is doubled, and what waits is bounded",
    async (mode) => {
      const store = await PostgresStore.open({ url: await server.createDatabase(`away_${mode}`), retentionMs: 0 });
      const device = new DeviceState("ems_001", "ems_001");
      const seen = { committed: 0, unstored: 0, failures: [] as unknown[] };
      const journal = new StoreQueue(
        store,
        systemClock,
        { flushMs: 10, flushBytes: 64 * 1024, queueBytesMax },
        {
          committed: (samples) => {
            seen.committed += samples;
          },
          failed: (error) => seen.failures.push(error),
          unstored: (samples) => {
            seen.unstored += samples;
          },
        },
      );
      const taken: number[] = [];
      const from = Date.now();
      let seq = 0;
      const load = setInterval(() => {
        for (let i = 0; i < 10; i++, seq++) {
          const { sections: _, ...sample } = sampleAt(from + seq, seq, { grid: { power: seq } });
          if (journal.append(device, { ...sample, values: {} }, sample.message)) taken.push(seq);
          expect(journal.queuedBytes).toBeLessThanOrEqual(queueBytesMax);
        }
      }, 5);
      onTestFinished(() => clearInterval(load));

      for (let round = 0; round < 3; round++) {
        const before = seen.committed;
        await eventually(() => expect(seen.committed).toBeGreaterThan(before + 200), { withinMs: 15_000 });
        server.stop(mode);
        const failures = seen.failures.length;
        await eventually(() => expect(seen.failures.length).toBeGreaterThan(failures));
        const atStop = { committed: seen.committed, unstored: seen.unstored };
        // The buffer fills up to its bound, and nothing is acknowledged.
        await eventually(() => expect(seen.unstored).toBeGreaterThan(atStop.unstored), { withinMs: 15_000 });
        expect(seen.committed).toBe(atStop.committed);
        server.start();
      }
      const atStart = seen.committed;
      await eventually(() => expect(seen.committed).toBeGreaterThan(atStart), { withinMs: 15_000 });
      clearInterval(load);
      expect(await journal.close(15_000)).toBe(0);
      expect(seen.committed).toBe(taken.length);

      const range = { registration: firstRegistration("ems_001"), fromMs: 0, toMs: from + seq };
      const stored = await store.samples({ ...range, take: "first", limit: 1_000_000 });
      expect(stored.map((sample) => sample.seq)).toEqual(taken);
      for (const failure of seen.failures) {
        expect(failure).toMatchObject({ name: "Failure", code: "store_failed" });
        expect(String(failure)).not.toContain(password);
      }
      await store.close();
    },
    60_000,
  );

  test("whose connections are all cut at once goes on with new ones", async () => {
    const store = await PostgresStore.open({ url: await server.createDatabase("cut"), retentionMs: 0 });
    const sent = Array.from({ length: 5 }, (_, i) => sampleAt(i, i, { grid: { power: i } }));
    for (const [i, sample] of sent.entries()) {
      await eventually(async () => await store.append([batchOf([sample])]));
      await eventually(async () => expect(await store.points(firstRegistration("ems_001"))).toHaveLength(1));
      if (i % 2 === 0)
        await server.query(
          "postgres",
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wattboard'",
        );
    }
    await eventually(async () => expect((await store.info()).samples).toBe(5));
    await store.close();
  });

  test("a server starts without it: live goes on, and later what waited is stored, and what it knows is taken up", async () => {
    const url = await server.createDatabase("late");
    const start = async (dataDir: string) => {
      const flags = {
        port: "0",
        data_dir: dataDir,
        "store.url": url,
        "access.dashboards": "public",
        "log.level": "silent",
      };
      const switchboard = await startSwitchboard({ config: loadConfig({ flags, env: {}, file: undefined }).config });
      onTestFinished(() => switchboard.stop());
      return { switchboard, wsUrl: switchboard.url.replace("http", "ws") };
    };
    const dataDir = temporaryFolder();
    const first = await start(dataDir);
    const tokens = ["ems_001", "ems_002"].map((deviceId) => {
      const added = first.switchboard.devices.add({ deviceId });
      return isRefusal(added) ? "" : added.token;
    });
    for (const [at, deviceId] of ["ems_001", "ems_002"].entries()) {
      const device = await openDevice(first.wsUrl, deviceId, tokens[at] ?? "");
      device.send(sampleOf(deviceId, { solar: { power: 1 } }));
    }
    await eventually(async () => expect(await metric(first.switchboard, "wattboard_stored_samples_total")).toBe(2));
    await first.switchboard.stop();

    server.stop("immediate");
    let isStopped = true;
    const startDatabase = (): void => {
      if (isStopped) server.start();
      isStopped = false;
    };
    onTestFinished(startDatabase);
    const { switchboard, wsUrl } = await start(dataDir);
    expect(await readiness(switchboard)).toEqual({ status: "degraded", store: "the store cannot be opened yet" });
    const device = await openDevice(wsUrl, "ems_001", tokens[0] ?? "");
    const dashboard = await openDashboard(wsUrl, "ems_001");
    device.send(sampleOf("ems_001", { solar: { power: 2 } }));
    await dashboard.receive(1);
    expect((await fetch(`${switchboard.url}/api/v1/devices/ems_001/samples`)).status).toBe(503);
    expect((await deviceDetail(switchboard, "ems_002")).latest).toBeNull();

    startDatabase();
    await eventually(async () => expect(await readiness(switchboard)).toEqual({ status: "ready", store: "ok" }), {
      withinMs: 20_000,
    });
    await eventually(async () => {
      const stored = await storedSamples(switchboard, "ems_001", "limit=10");
      expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual([1, 2]);
    });
    await eventually(async () =>
      expect((await deviceDetail(switchboard, "ems_002")).latest?.telemetry.solar?.power).toBe(1),
    );
    expect((await deviceDetail(switchboard, "ems_001")).latest?.telemetry.solar?.power).toBe(2);
    expect((await events(switchboard)).map(({ kind }) => kind).sort()).toEqual(["store_failing", "store_recovered"]);
  }, 120_000);

  test("what waiting does not mend ends a start, and is told", async () => {
    const url = new URL(await server.createDatabase("wrong"));
    url.pathname = "/no_such_database";
    const flags = { port: "0", data_dir: temporaryFolder(), "store.url": url.href, "log.level": "silent" };
    await expect(
      startSwitchboard({ config: loadConfig({ flags, env: {}, file: undefined }).config }),
    ).rejects.toMatchObject({
      code: "store_failed",
      message: expect.stringContaining("createdb"),
    });
  });
  test("that hangs and says nothing is noticed; /readyz tells strangers neither its host nor its name, and the live lane goes on", async () => {
    const url = await server.createDatabase("frozen");
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
    const switchboard = await startSwitchboard({ config });
    onTestFinished(() => switchboard.stop());
    const wsUrl = switchboard.url.replace("http", "ws");
    const added = switchboard.devices.add({ deviceId: "ems_001" }) as { token: string };
    const device = await openDevice(wsUrl, "ems_001", added.token);
    const dashboard = await openDashboard(wsUrl, "ems_001");
    // The connection that stores samples must be there to be frozen.
    device.send(sampleOf("ems_001"));
    await eventually(async () => expect(await metric(switchboard, "wattboard_stored_samples_total")).toBe(1));
    const thaw = await server.freeze("frozen");
    onTestFinished(thaw);
    device.send(sampleOf("ems_001"));
    await dashboard.receive(2);
    const ready = async () => await (await fetch(`${switchboard.url}/readyz`)).json();
    await eventually(
      async () => expect(await ready()).toEqual({ status: "degraded", store: "the store does not answer" }),
      {
        withinMs: 15_000,
      },
    );
    thaw();
    await eventually(async () => expect(await ready()).toEqual({ status: "ready", store: "ok" }), { withinMs: 15_000 });
    const events = await (await fetch(`${switchboard.url}/api/v1/events`)).text();
    expect(events).toContain("store_failing");
    expect(events).not.toContain(String(server.port));
  }, 60_000);

  test("the store closes all the same", async () => {
    const store = await PostgresStore.open({ url: await server.createDatabase("closing"), retentionMs: 0 });
    server.stop("immediate");
    onTestFinished(() => server.start());
    await expect(store.append([batchOf([sampleAt(0, 0, { grid: { power: 1 } })])])).rejects.toMatchObject({
      code: "store_failed",
    });
    await expect(store.latest()).rejects.toMatchObject({ code: "store_failed" });
    await store.close();
  });
});
